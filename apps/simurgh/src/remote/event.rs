//! `simurgh event`: what happened, and what happens.

use std::time::Duration;

use api::client::{self, ListEventsQuery};
use api::{Event, Page};
use clap::{Args, Subcommand};

use super::output::{self, Shown};
use super::{Api, Output, Remote};
use crate::Failure;

/// Pause between two looks for events.
const LOOK: Duration = Duration::from_secs(1);

/// Events that are asked for at once.
const AT_ONCE: u64 = 1000;

/// What can be done with events.
///
/// Whatever happens to a device, an operation or a webhook endpoint becomes an
/// event. Their numbers have no gap: who goes on with --after and the number of the
/// last event that he has handled misses none.
#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// List events in the order of their numbers; the last 100, if nothing says
    /// from where
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// At most so many, up to 1000
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show events as they come, until Ctrl-C; the last 10 before, if nothing says
    /// from where. Each is one line, with --output json as well
    Watch {
        #[command(flatten)]
        wanted: Wanted,
        /// End after so many events
        #[arg(long, value_name = "NUMBER")]
        count: Option<u64>,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Those after the event with this number
    #[arg(long, value_name = "NUMBER", conflicts_with = "last")]
    after: Option<u64>,
    /// Begin with the last so many
    #[arg(long, value_name = "NUMBER")]
    last: Option<u64>,
    /// Only of this type, for example operation.failed or 'device.*'; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only about this, for example 'devices/8904*'; may be repeated
    #[arg(long = "subject", value_name = "SUBJECT")]
    subjects: Vec<String>,
}

impl Wanted {
    /// From where, if nothing else is said, so many before the last one.
    fn after(&self, last: u64) -> String {
        match (self.after, self.last) {
            (Some(after), _) => after.to_string(),
            (None, asked) => format!("-{}", asked.unwrap_or(last)),
        }
    }

    fn page(&self, api: &Api, after: String, limit: u64) -> Result<Page<Event>, Failure> {
        let list = |parts: &[String]| (!parts.is_empty()).then(|| parts.join(","));
        api.ask(client::list_events(&ListEventsQuery {
            after: Some(after),
            limit: Some(limit),
            kind: list(&self.types),
            subject: list(&self.subjects),
        }))
    }
}

impl EventCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            EventCommand::List {
                wanted,
                limit,
                remote,
            } => {
                let api = remote.api()?;
                let after = wanted.after(limit.into());
                let page = wanted.page(&api, after, limit.into())?;
                api.output.page(&page)
            }
            EventCommand::Watch {
                wanted,
                count,
                remote,
            } => watch(&remote.api()?, &wanted, count.unwrap_or(u64::MAX)),
        }
    }
}

/// Prints what there is, and then what comes.
fn watch(api: &Api, wanted: &Wanted, mut left: u64) -> Result<(), Failure> {
    let mut place = wanted.after(10);
    // All up to there were looked at, whether they are wanted or not.
    let mut seen = wanted.after;
    while left > 0 {
        let last = last(api)?;
        if seen.is_some_and(|seen| last <= seen) {
            std::thread::sleep(LOOK);
            continue;
        }
        let mut through = last;
        let mut next = Some(place);
        while let (Some(place), true) = (next, left > 0) {
            let page = wanted.page(api, place, AT_ONCE.min(left))?;
            for event in &page.items {
                line(api.output, event)?;
                through = through.max(number(event));
                left = left.saturating_sub(1);
            }
            crate::stdout::flush();
            next = page.next;
        }
        place = through.to_string();
        seen = Some(through);
    }
    Ok(())
}

/// The number of the last event.
fn last(api: &Api) -> Result<u64, Failure> {
    let query = ListEventsQuery {
        after: Some("-1".to_string()),
        ..ListEventsQuery::default()
    };
    let page = api.ask(client::list_events(&query))?;
    Ok(page.items.iter().map(number).max().unwrap_or_default())
}

fn number(event: &Event) -> u64 {
    let number = event.sequence.as_deref().map(str::parse);
    number.and_then(Result::ok).unwrap_or_default()
}

fn line(output: Output, event: &Event) -> Result<(), Failure> {
    if output == Output::Json {
        return output::json(event);
    }
    let number = number(event);
    let Event {
        time,
        severity,
        subject,
        ..
    } = event;
    let (kind, detail) = (short(event), detail(event));
    outln!("{number:>8}  {time}  {severity:7}  {kind:25}  {subject}  {detail}");
    Ok(())
}

/// `operation.failed`.
fn short(event: &Event) -> &str {
    let kind = event.kind.as_str();
    let kind = kind.strip_prefix("io.simurgh.").unwrap_or(kind);
    kind.strip_suffix(".v1").unwrap_or(kind)
}

/// What it says beside its subject.
fn detail(event: &Event) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let data = event.data.iter().map(|(name, value)| (name, text(value)));
    let said = data.filter(|(_, text)| !event.subject.ends_with(text.as_str()));
    let said: Vec<_> = said.map(|(name, text)| format!("{name}={text}")).collect();
    said.join(" ")
}

impl Shown for Event {
    const TITLES: &'static [&'static str] = &[
        "NUMBER", "TIME", "SEVERITY", "TYPE", "SUBJECT", "ACTOR", "DETAIL",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            number(self).to_string(),
            self.time.clone(),
            self.severity.clone(),
            short(self).to_string(),
            self.subject.clone(),
            self.actor.clone().unwrap_or_default(),
            detail(self),
        ]
    }
}
