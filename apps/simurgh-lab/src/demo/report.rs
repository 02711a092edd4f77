//! What a run shows: progress while it lasts, a table and a line at its end.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rsp_core::ipa::Event;

/// The steps of a device, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Made,
    Ordered,
    Triggered,
    MutuallyAuthenticated,
    PackageReceived,
    Installed,
    DownloadConfirmed,
    Executed,
    EnableConfirmed,
    Authenticated,
}

impl Step {
    const ALL: [Step; 10] = [
        Step::Made,
        Step::Ordered,
        Step::Triggered,
        Step::MutuallyAuthenticated,
        Step::PackageReceived,
        Step::Installed,
        Step::DownloadConfirmed,
        Step::Executed,
        Step::EnableConfirmed,
        Step::Authenticated,
    ];

    const fn text(self) -> &'static str {
        match self {
            Step::Made => "card made, eIM and card know each other",
            Step::Ordered => "profile ordered and released (ES2+)",
            Step::Triggered => "download trigger fetched (ESipa)",
            Step::MutuallyAuthenticated => "SM-DP+ and eUICC authenticated (ES9+)",
            Step::PackageReceived => "bound profile package received (ES9+)",
            Step::Installed => "profile installed by the eUICC",
            Step::DownloadConfirmed => "installation result verified by the eIM",
            Step::Executed => "signed enable executed by the eUICC",
            Step::EnableConfirmed => "enable result verified by the eIM",
            Step::Authenticated => "AUTHENTICATE answered with the ordered keys",
        }
    }

    const fn of(event: &Event) -> Option<Step> {
        match event {
            Event::DownloadStarted { .. } => Some(Step::Triggered),
            Event::Authenticated { .. } => Some(Step::MutuallyAuthenticated),
            Event::BoundProfilePackageReceived { .. } => Some(Step::PackageReceived),
            Event::Installed { .. } => Some(Step::Installed),
            Event::PackageProcessed => Some(Step::Executed),
            _ => None,
        }
    }
}

/// Progress on standard error.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Each step on a line of its own: one device, or nobody watches a bar.
    lines: bool,
    started: Instant,
}

impl Progress {
    pub(crate) fn new(devices: u32) -> Self {
        let watched = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(u64::from(devices));
        bar.set_draw_target(match watched && devices > 1 {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        let style = "{elapsed} [{bar:40}] {pos}/{len} devices, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress {
            bar,
            lines: devices == 1,
            started: Instant::now(),
        }
    }

    /// Something that is done once.
    pub(crate) fn step(&self, text: &str) {
        if self.lines || self.bar.is_hidden() {
            eprintln!("{:8.3} s  {text}", self.started.elapsed().as_secs_f64());
        }
    }

    fn device_step(&self, step: Step) {
        if self.lines {
            self.step(step.text());
        }
    }

    fn device_done(&self) {
        self.bar.inc(1);
        let done = self.bar.position();
        let total = self.bar.length().unwrap_or_default();
        let tenth = (total / 10).max(1);
        if !self.lines && self.bar.is_hidden() && done.is_multiple_of(tenth) {
            self.step(&format!("{done} of {total} devices"));
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// One device's way.
pub(crate) struct Run {
    progress: Progress,
    last: Instant,
    took: Vec<(Step, Duration)>,
    confirmed: bool,
}

impl Run {
    pub(crate) fn new(progress: Progress) -> Self {
        Run {
            progress,
            last: Instant::now(),
            took: Vec::new(),
            confirmed: false,
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        let now = Instant::now();
        self.took.push((step, now - self.last));
        self.last = now;
        self.progress.device_step(step);
    }

    pub(crate) fn event(&mut self, event: &Event) {
        if let Some(step) = Step::of(event) {
            self.step(step);
        }
    }

    pub(crate) fn confirmed(&mut self) {
        self.confirmed = true;
        self.progress.device_done();
    }

    pub(crate) fn failed(&self, number: u64, reason: &str) {
        eprintln!("device {number}: {reason}");
        self.progress.device_done();
    }
}

/// All devices' ways.
#[derive(Default)]
pub(crate) struct Report {
    runs: Vec<Run>,
}

impl Report {
    pub(crate) fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    fn count_confirmed(&self) -> usize {
        self.runs.iter().filter(|run| run.confirmed).count()
    }

    /// Prints the table; whether every device was confirmed.
    pub(crate) fn print(&self, devices: u32, seconds: f64) -> bool {
        let confirmed = self.count_confirmed();
        println!();
        println!(
            "{:44} {:>8} {:>10} {:>10} {:>10}",
            "step", "devices", "min ms", "median ms", "max ms"
        );
        for step in Step::ALL {
            let took = self.runs.iter().flat_map(|run| &run.took);
            let mut took: Vec<_> = took
                .filter(|(taken, _)| *taken == step)
                .map(|(_, took)| took.as_secs_f64() * 1000.0)
                .collect();
            took.sort_by(f64::total_cmp);
            let at = |index: usize| took.get(index).copied().unwrap_or_default();
            println!(
                "{:44} {:>8} {:>10.1} {:>10.1} {:>10.1}",
                step.text(),
                took.len(),
                at(0),
                at(took.len() / 2),
                at(took.len().saturating_sub(1)),
            );
        }
        println!();
        println!("{confirmed} of {devices} devices confirmed in {seconds:.1} s");
        confirmed == devices as usize
    }

    /// Prints the one line that programs read.
    pub(crate) fn print_line(&self, devices: u32, seconds: f64) {
        let confirmed = self.count_confirmed();
        println!(r#"{{"devices":{devices},"confirmed":{confirmed},"seconds":{seconds:.3}}}"#);
    }
}
