//! `simurgh pool` and `simurgh code`: activation codes and the pools that they are
//! in.

use std::path::{Path, PathBuf};

use api::client::{self, ListActivationCodesQuery, PreflightQuery};
use api::{
    ActivationCode, AddedCodes, CodeSettlement, CodeSource, Finding, NewCode, NewCodeOrder,
    NewCodes, OrderedCodes, Pool, PoolSettings, Secret, SettledCode,
};
use clap::{Args, Subcommand, ValueEnum};

use super::device::OneDevice;
use super::output::{self, Shown};
use super::progress::Progress;
use super::{Listing, Output, Remote};
use crate::{Failure, files};

/// Codes that are sent at once.
const AT_ONCE: usize = 1000;

/// Codes that are ordered at once.
const ORDERED_AT_ONCE: u16 = 10;

/// What can be done with pools of activation codes.
///
/// A pool has codes that are as good as each other. `simurgh profile download EID
/// --pool POOL` takes the next one; it comes back if the download is cancelled, or
/// fails before the profile is installed.
#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// List the pools, with their stock and for how long it lasts
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Show a pool
    Show(OnePool),
    /// Make a pool, or change its settings
    Set(SetPool),
    /// See what speaks against a download, before anything is spent on it
    Preflight {
        /// Name of the pool
        #[arg(value_name = "POOL")]
        pool: String,
        #[command(flatten)]
        device: OneDevice,
    },
}

/// What can be done with activation codes.
#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    /// List the codes of a pool, without themselves
    List {
        /// Name of the pool
        #[arg(value_name = "POOL")]
        pool: String,
        /// Only those in this state: ordered, available, leased, spent, doubtful or dead
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Add codes to a pool; those that are there already are left out
    Add {
        /// Name of the pool
        #[arg(value_name = "POOL")]
        pool: String,
        /// One code on each line (LPA:1$…); if it is known, with a comma and the
        /// ICCID of its profile
        #[arg(value_name = "FILE")]
        codes: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// Order profiles at an SM-DP+ (ES2+), whose codes go into a pool
    ///
    /// What the SM-DP+ does not answer is asked for again by the server until it comes:
    /// `simurgh code list POOL --state ordered` shows it.
    Order(OrderCodes),
    /// Say what became of a code that no operation has
    Settle {
        /// Name of the pool
        #[arg(value_name = "POOL")]
        pool: String,
        /// Its number there
        #[arg(value_name = "NUMBER")]
        number: u32,
        /// Whether it is good
        #[arg(value_enum)]
        state: Settled,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Profiles that are ordered for a pool.
#[derive(Debug, Args)]
pub(crate) struct OrderCodes {
    /// Name of the pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// Name of the profile type at the SM-DP+ [default: that of the pool's source]
    #[arg(long = "type", value_name = "TYPE")]
    profile_type: Option<String>,
    /// Which SM-DP+: own, or the name of a connector in the server's simurgh.toml
    /// [default: that of the pool's source, or own]
    #[arg(long, value_name = "NAME")]
    smdp: Option<String>,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    count: u16,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A pool and the server that has it.
#[derive(Debug, Args)]
pub(crate) struct OnePool {
    /// Its name
    #[arg(value_name = "POOL")]
    pool: String,
    #[command(flatten)]
    remote: Remote,
}

/// Settings of a pool.
#[derive(Debug, Args)]
pub(crate) struct SetPool {
    /// Its name, 1 to 63 characters of a-z, 0-9 and -
    #[arg(value_name = "POOL")]
    pool: String,
    /// All settings as JSON, as `simurgh pool show --output json` prints them under
    /// `settings`; the other flags change them
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Order its codes at this SM-DP+: own, or the name of a connector in the server's
    /// simurgh.toml
    #[arg(long, value_name = "NAME", requires = "profile_type")]
    smdp: Option<String>,
    /// Name of the profile type there
    #[arg(long = "type", value_name = "TYPE", requires = "smdp")]
    profile_type: Option<String>,
    /// Whose network it is
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// The operator's name of what is paid
    #[arg(long, value_name = "NAME")]
    tariff: Option<String>,
    /// Octets of its profile packages before they are bound: what a download costs
    #[arg(long, value_name = "OCTETS")]
    package_octets: Option<u32>,
    /// Free memory that a profile needs, in octets
    #[arg(long, value_name = "OCTETS")]
    memory: Option<u32>,
    /// A radio technology with which the profile works: gsm, umts, lte, lte_m, nb_iot,
    /// nr, redcap or satellite; may be repeated
    #[arg(long, value_name = "NAME")]
    technology: Vec<String>,
    /// A band in which it works, as 3GPP names it: B20, n78; may be repeated
    #[arg(long, value_name = "BAND")]
    band: Vec<String>,
    /// With fewer available codes it is low
    #[arg(long, value_name = "NUMBER")]
    low: Option<u32>,
    /// A network in which a device with such a profile is expected, for example
    /// 262-01; may be repeated
    #[arg(long, value_name = "PLMN")]
    network: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

/// What a code can be declared to be.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Settled {
    /// It is good: the SM-DP+ says so
    Available,
    /// It is no good
    Dead,
}

impl PoolCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            PoolCommand::List { remote } => {
                let api = remote.api()?;
                let page = api.ask(client::list_activation_code_pools())?;
                api.output.page(&page)
            }
            PoolCommand::Show(OnePool { pool, remote }) => {
                let api = remote.api()?;
                let pool = api.ask(client::get_activation_code_pool(&pool))?;
                api.output.one(&pool)
            }
            PoolCommand::Set(set) => set.run(),
            PoolCommand::Preflight { pool, device } => {
                let api = device.remote.api()?;
                let query = PreflightQuery {
                    eid: Some(device.eid),
                };
                let found = api.ask(client::preflight(&pool, &query))?;
                match api.output {
                    Output::Json => output::json(&found)?,
                    Output::Table => output::table(&found.findings),
                }
                match found.verdict.as_str() {
                    "refused" => Err(Failure::new("the download", "would fail")),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl SetPool {
    fn run(self) -> Result<(), Failure> {
        let mut settings: PoolSettings = match &self.settings {
            Some(file) => serde_json::from_str(&files::read(file)?)
                .map_err(|error| Failure::new(file.display(), error))?,
            None => PoolSettings::default(),
        };
        if let (Some(smdp), Some(profile_type)) = (self.smdp, self.profile_type) {
            settings.source = CodeSource::Es2plus { smdp, profile_type };
        }
        settings.operator = self.operator.or(settings.operator);
        settings.tariff = self.tariff.or(settings.tariff);
        settings.low = self.low.or(settings.low);
        let octets = self.package_octets;
        settings.needs.package_octets = octets.or(settings.needs.package_octets);
        settings.needs.memory = self.memory.or(settings.needs.memory);
        for (said, setting) in [
            (self.technology, &mut settings.needs.technologies),
            (self.band, &mut settings.needs.bands),
            (self.network, &mut settings.networks),
        ] {
            if !said.is_empty() {
                *setting = said;
            }
        }
        let api = self.remote.api()?;
        let pool = api.tell(client::put_activation_code_pool(&self.pool, &settings))?;
        api.output.one(&pool)
    }
}

impl CodeCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            CodeCommand::List {
                pool,
                state,
                listing,
                remote,
            } => {
                let api = remote.api()?;
                let page = api.ask(client::list_activation_codes(&ListActivationCodesQuery {
                    pool: Some(pool),
                    state,
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                }))?;
                api.output.page(&page)
            }
            CodeCommand::Add {
                pool,
                codes,
                remote,
            } => add(&pool, &codes, &remote),
            CodeCommand::Order(order) => order.run(),
            CodeCommand::Settle {
                pool,
                number,
                state,
                remote,
            } => {
                let api = remote.api()?;
                let state = match state {
                    Settled::Available => SettledCode::Available,
                    Settled::Dead => SettledCode::Dead,
                };
                let said = CodeSettlement { state };
                let number = number.to_string();
                let code = api.tell(client::settle_activation_code(&pool, &number, &said))?;
                api.output.one(&code)
            }
        }
    }
}

/// In parts: what was added before a failure stays, and is known when the file is
/// brought again.
fn add(pool: &str, file: &Path, remote: &Remote) -> Result<(), Failure> {
    let text = files::read(file)?;
    let mut codes = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (code, iccid) = match line.split_once(',') {
            Some((code, iccid)) => (code.trim(), Some(iccid.trim().to_string())),
            None => (line, None),
        };
        codes.push(NewCode {
            activation_code: Secret(code.to_string()),
            iccid,
        });
    }
    let api = remote.api()?;
    let mut sum = AddedCodes { added: 0, known: 0 };
    for codes in codes.chunks(AT_ONCE) {
        let new = NewCodes {
            pool: pool.to_string(),
            codes: codes.to_vec(),
        };
        let added = api.tell(client::add_activation_codes(&new))?;
        sum.added += added.added;
        sum.known += added.known;
    }
    match api.output {
        Output::Json => output::json(&sum),
        Output::Table => {
            outln!("{} added, {} were there already", sum.added, sum.known);
            Ok(())
        }
    }
}

impl OrderCodes {
    /// In parts: what came before a failure stays.
    fn run(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let mut progress = Progress::new(!self.quiet);
        let mut sum = OrderedCodes::default();
        let mut asked = 0;
        while asked < self.count && sum.refused.is_none() {
            let count = ORDERED_AT_ONCE.min(self.count - asked);
            let new = NewCodeOrder {
                smdp: self.smdp.clone(),
                profile_type: self.profile_type.clone(),
                count,
            };
            let ordered = match api.tell(client::order_activation_codes(&self.pool, &new)) {
                Ok(ordered) => ordered,
                Err(failure) => {
                    progress.end();
                    said(&sum, api.output)?;
                    return Err(failure);
                }
            };
            asked += count;
            sum = OrderedCodes {
                added: sum.added + ordered.added,
                waiting: sum.waiting + ordered.waiting,
                because: ordered.because.or(sum.because),
                refused: ordered.refused,
            };
            let what = format!("{} came, {} wait", sum.added, sum.waiting);
            progress.say(&what, asked.into(), self.count.into());
        }
        progress.end();
        if api.output == Output::Json {
            output::json(&sum)?;
        } else {
            said(&sum, api.output)?;
        }
        match sum.refused {
            Some(refused) => Err(Failure::new("the SM-DP+", refused)),
            None => Ok(()),
        }
    }
}

/// What came, for people.
fn said(sum: &OrderedCodes, output: Output) -> Result<(), Failure> {
    if output == Output::Json || *sum == OrderedCodes::default() {
        return Ok(());
    }
    outln!("{} added", sum.added);
    if sum.waiting > 0 {
        let because = sum.because.as_deref().unwrap_or_default();
        outln!("{} wait: {because}", sum.waiting);
    }
    Ok(())
}

impl Shown for Pool {
    const TITLES: &'static [&'static str] = &[
        "POOL",
        "ORDERED",
        "AVAILABLE",
        "LEASED",
        "SPENT",
        "DOUBTFUL",
        "DEAD",
        "LASTS",
    ];

    fn cells(&self) -> Vec<String> {
        let lasts = self.used_up_in_days;
        let lasts = lasts.map(|days| format!("{days} days")).unwrap_or_default();
        let low = if self.is_low { " LOW" } else { "" };
        let stock = &self.stock;
        vec![
            self.name.clone(),
            stock.ordered.to_string(),
            format!("{}{low}", stock.available),
            stock.leased.to_string(),
            stock.spent.to_string(),
            stock.doubtful.to_string(),
            stock.dead.to_string(),
            lasts,
        ]
    }
}

impl Shown for ActivationCode {
    const TITLES: &'static [&'static str] = &[
        "POOL",
        "NUMBER",
        "STATE",
        "SINCE",
        "EID",
        "OPERATION",
        "WAITS",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.pool.clone(),
            self.number.to_string(),
            self.state.clone(),
            self.since.clone(),
            self.eid.clone().unwrap_or_default(),
            self.operation.clone().unwrap_or_default(),
            self.because.clone().unwrap_or_default(),
        ]
    }
}

impl Shown for Finding {
    const TITLES: &'static [&'static str] = &["CHECK", "VERDICT", "BECAUSE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.check.clone(),
            self.verdict.clone(),
            self.because.clone(),
        ]
    }
}
