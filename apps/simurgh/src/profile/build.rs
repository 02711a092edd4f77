//! `simurgh profile build`.

use std::path::{Path, PathBuf};

use clap::Args;
use rsp_core::profile::{
    self, EXAMPLE_SUBSCRIPTION, Severity, Subscription, SubscriptionFile, table_row,
};
use rsp_crypto::software::SoftwareProvider;

use zeroize::Zeroizing;

use super::read_package;
use crate::{Failure, files};

/// Make a package.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The package to start from; without it, the built-in one
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// The order: one subscription in TOML; with --subscriptions, what they
    /// share
    #[arg(long, value_name = "FILE", required_unless_present_any = ["example", "subscriptions"])]
    subscription: Option<PathBuf>,
    /// A table of subscriptions with Milenage: comma separated, the first line
    /// names the columns (iccid, imsi, k, opc or op; msisdn, pin1, puk1, pin2,
    /// puk2, adm1)
    #[arg(long, value_name = "FILE", requires = "out")]
    subscriptions: Option<PathBuf>,
    /// Where to write the package, readable by you alone; with --subscriptions,
    /// a folder, one file ICCID.der each
    #[arg(long, short, value_name = "FILE", required_unless_present = "example")]
    out: Option<PathBuf>,
    /// Print a commented order and end
    #[arg(long)]
    example: bool,
}

impl Build {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let Some(out) = self.out.as_ref().filter(|_| !self.example) else {
            out!("{EXAMPLE_SUBSCRIPTION}");
            return Ok(());
        };
        let template = match &self.template {
            Some(path) => read_package(path)?,
            None => profile::template(),
        };
        let order = self.subscription.as_deref().map(read_order).transpose()?;
        match &self.subscriptions {
            Some(table) => build_all(&template, order.as_ref(), table, out),
            None => match order {
                Some(order) => build(&template, &order, out),
                None => Err(Failure::new("--subscription", "is needed")),
            },
        }
    }
}

/// Reads an order. What is wrong with it is said without showing its keys.
fn read_order(path: &Path) -> Result<Subscription, Failure> {
    let name = path.display();
    let text = files::read(path)?;
    let order: SubscriptionFile = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or_default();
            before.lines().count().max(1)
        });
        let place = line.map_or_else(String::new, |line| format!(", line {line}"));
        Failure::new(format!("{name}{place}"), error.message())
    })?;
    let order = order.resolve(&SoftwareProvider);
    order.map_err(|error| Failure::new(name, error))
}

/// Builds one package and says what the checks say.
fn build(template: &[u8], order: &Subscription, out: &Path) -> Result<(), Failure> {
    let package = profile::personalise(template, order)
        .map_err(|error| Failure::new(format!("cannot build {}", order.iccid), error))?;
    files::write_secret(out, &package)?;
    outln!(
        "{}: {}, {} octets",
        out.display(),
        order.iccid,
        package.len()
    );
    for finding in profile::lint(&package) {
        if finding.severity() >= Severity::Warning {
            eprintln!("{} [{}] {finding}", finding.severity(), finding.rule.code());
        }
    }
    Ok(())
}

/// Builds a package for each line of a table.
fn build_all(
    template: &[u8],
    shared: Option<&Subscription>,
    table: &Path,
    folder: &Path,
) -> Result<(), Failure> {
    // All lines are read before anything is written.
    let orders = read_table(shared, table)?;
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("cannot make {}", folder.display()), error))?;
    for order in &orders {
        build(
            template,
            order,
            &folder.join(format!("{}.der", order.iccid)),
        )?;
    }
    outln!("{} packages in {}", orders.len(), folder.display());
    Ok(())
}

/// Reads a table of subscriptions; the first line names the columns.
pub(crate) fn read_table(
    shared: Option<&Subscription>,
    table: &Path,
) -> Result<Vec<Subscription>, Failure> {
    let text = Zeroizing::new(files::read(table)?);
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let Some((_, first)) = lines.next() else {
        return Err(Failure::new(table.display(), "is empty"));
    };
    let columns: Vec<&str> = first.split(',').map(str::trim).collect();
    let mut orders = Vec::new();
    for (index, line) in lines {
        let place = || format!("{}, line {}", table.display(), index + 1);
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        if values.len() != columns.len() {
            let problem = format!("{} values for {} columns", values.len(), columns.len());
            return Err(Failure::new(place(), problem));
        }
        let order = table_row(shared, &columns, &values, &SoftwareProvider);
        orders.push(order.map_err(|error| Failure::new(place(), error))?);
    }
    Ok(orders)
}
