//! What a run shows: progress while it lasts, a table and a line at its end.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::rc::Rc;
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
    Woken,
    Executed,
    EnableConfirmed,
    Authenticated,
    BootstrapDisabled,
}

impl Step {
    const ALL: [Step; 12] = [
        Step::Made,
        Step::Ordered,
        Step::Triggered,
        Step::MutuallyAuthenticated,
        Step::PackageReceived,
        Step::Installed,
        Step::DownloadConfirmed,
        Step::Woken,
        Step::Executed,
        Step::EnableConfirmed,
        Step::Authenticated,
        Step::BootstrapDisabled,
    ];

    const fn text(self) -> &'static str {
        match self {
            Step::Made => "card made: bootstrap profile, eIM known",
            Step::Ordered => "profile ordered and released (ES2+)",
            Step::Triggered => "download trigger fetched (ESipa)",
            Step::MutuallyAuthenticated => "SM-DP+ and eUICC authenticated",
            Step::PackageReceived => "bound profile package received",
            Step::Installed => "profile installed by the eUICC",
            Step::DownloadConfirmed => "installation result verified by the eIM",
            Step::Woken => "device woken from what it keeps at rest",
            Step::Executed => "signed enable executed by the eUICC",
            Step::EnableConfirmed => "enable result verified by the eIM",
            Step::Authenticated => "AUTHENTICATE answered with the ordered keys",
            Step::BootstrapDisabled => "bootstrap profile disabled on the card",
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
    failed: Rc<Cell<u32>>,
}

impl Progress {
    pub(crate) fn new(devices: u32) -> Self {
        let watched = std::io::stderr().is_terminal();
        let bar = ProgressBar::new(u64::from(devices));
        bar.set_draw_target(match watched && devices > 1 {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        let style = "{elapsed} [{bar:40}] {pos}/{len} devices, {per_sec}, {eta} left{msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress {
            bar,
            lines: devices == 1,
            started: Instant::now(),
            failed: Rc::default(),
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

    fn device_done(&self, confirmed: bool) {
        if !confirmed {
            self.failed.set(self.failed.get() + 1);
            self.bar
                .set_message(format!(", {} failed", self.failed.get()));
        }
        self.bar.inc(1);
        let done = self.bar.position();
        let total = self.bar.length().unwrap_or_default();
        let tenth = (total / 10).max(1);
        if !self.lines && self.bar.is_hidden() && done.is_multiple_of(tenth) {
            let rate = done as f64 / self.started.elapsed().as_secs_f64();
            self.step(&format!(
                "{done} of {total} devices, {rate:.1} per second, {} failed",
                self.failed.get()
            ));
        }
    }

    /// Names a device that failed, and why, beside the bar.
    pub(crate) fn device_failed(&self, device: &str, reason: &str) {
        self.bar.suspend(|| eprintln!("{device}: {reason}"));
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
}

impl Run {
    pub(crate) fn new(progress: Progress) -> Self {
        Run {
            progress,
            last: Instant::now(),
            took: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        let now = Instant::now();
        self.took.push((step, now - self.last));
        self.last = now;
        self.progress.device_step(step);
    }

    pub(crate) fn event(&mut self, event: &Event) {
        let installed = self.took.iter().any(|(step, _)| *step == Step::Installed);
        match Step::of(event) {
            // A list of profiles, of a device that nobody knows yet.
            Some(Step::Executed) if !installed => {}
            Some(step) => self.step(step),
            None => {}
        }
    }
}

/// All devices' ways, in little memory: a million of them fit.
#[derive(Default)]
pub(crate) struct Report {
    confirmed: u32,
    /// Microseconds of each device, by step.
    took: BTreeMap<Step, Vec<u32>>,
}

impl Report {
    /// Counts a device that is confirmed, or has failed.
    pub(crate) fn add(&mut self, run: Run, confirmed: bool) {
        self.confirmed += u32::from(confirmed);
        for (step, took) in run.took {
            let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
            self.took.entry(step).or_default().push(took);
        }
        run.progress.device_done(confirmed);
    }

    /// Prints the table; whether every device was confirmed.
    pub(crate) fn print(&mut self, devices: u32, seconds: f64) -> bool {
        println!();
        println!(
            "{:44} {:>8} {:>10} {:>10} {:>10}",
            "step", "devices", "min ms", "median ms", "max ms"
        );
        for step in Step::ALL {
            let Some(took) = self.took.get_mut(&step) else {
                continue;
            };
            took.sort_unstable();
            let at = |index: usize| f64::from(took.get(index).copied().unwrap_or_default()) / 1e3;
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
        let confirmed = self.confirmed;
        let rate = f64::from(confirmed) / seconds;
        println!(
            "{confirmed} of {devices} devices confirmed in {seconds:.1} s: {rate:.1} per second"
        );
        confirmed == devices
    }

    /// Prints the one line that programs read.
    pub(crate) fn print_line(&self, devices: u32, seconds: f64) {
        let confirmed = self.confirmed;
        println!(r#"{{"devices":{devices},"confirmed":{confirmed},"seconds":{seconds:.3}}}"#);
    }
}

/// Prints the most memory that devices and server have had.
pub(crate) fn print_memory(server: Option<u64>) {
    const MIB: u64 = 1 << 20;
    if let (Some(devices), Some(server)) = (peak_memory("self"), server) {
        let (devices, server) = (devices / MIB, server / MIB);
        println!("peak memory: devices {devices} MiB, server {server} MiB");
    }
}

/// What devices at rest keep for themselves.
pub(crate) fn print_resting(octets: impl ExactSizeIterator<Item = usize>) {
    let devices = octets.len();
    let sum: usize = octets.sum();
    if let Some(each) = sum.checked_div(devices) {
        println!("devices rest between their polls, each in {each} octets");
    }
}

/// The most memory that a process has had, in octets; `None` where the system
/// does not say it in Linux' way.
pub(crate) fn peak_memory(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
