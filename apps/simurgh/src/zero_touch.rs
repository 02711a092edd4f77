//! Which device gets which profile without anybody touching it: the rules of
//! the configuration, on the SM-DP+ of this server or on a stock of activation
//! codes.

use std::path::Path;
use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_core::Context;
use rsp_core::eim::{EuiccRecord, ProfileSource, ZeroTouchRule};
use rsp_core::ipa::ActivationCode;
use store::{BadTenant, ChosenProfile, SmdpHost, Store, Tenant};

use crate::config::ZeroTouch;
use crate::own_smdp::{OwnSmdp, requester};
use crate::{Failure, files};

/// Who orders at the SM-DP+: types with another owner are not for rules.
const OPERATOR: &str = "zero-touch";

/// The rules, and where profiles come from.
pub(crate) struct Chooser {
    rules: Vec<Rule>,
    smdp: Arc<SmdpHost>,
    /// Which code of a stock was given away: the stocks are the server's, whosever the
    /// devices are.
    store: Arc<dyn Store>,
}

/// A rule with the codes of its stock.
struct Rule {
    /// Whose devices it is for.
    tenant: Tenant,
    rule: ZeroTouchRule,
    codes: Vec<String>,
}

impl Chooser {
    /// Reads the stocks that rules name.
    pub(crate) fn new(
        rules: &[ZeroTouch],
        smdp: Arc<SmdpHost>,
        store: Arc<dyn Store>,
    ) -> Result<Self, Failure> {
        let rules = rules.iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Chooser { rules, smdp, store })
    }

    /// The profile of the first rule that is for the device, which is the tenant's that
    /// announced it; asked again, the same.
    pub(crate) fn choose(
        &self,
        tenant: &Tenant,
        record: &EuiccRecord,
        cx: &mut Context<'_>,
    ) -> Result<ChosenProfile, String> {
        let manifest = record.zero_touch.as_ref().map(|known| &known.manifest);
        let manifest = manifest.ok_or("no factory announced it")?;
        let mut rules = self.rules.iter().filter(|rule| rule.tenant == *tenant);
        let Rule { rule, codes, .. } = rules
            .find(|one| one.rule.matches(record.eid, manifest))
            .ok_or("no rule of [[zero_touch]] is for it")?;
        let chosen = match &rule.source {
            ProfileSource::ProfileType(profile_type) => {
                let smdp = OwnSmdp {
                    host: self.smdp.clone(),
                    operator: requester(OPERATOR, tenant),
                };
                order(&smdp, profile_type, record.eid, &rule.name, cx)
            }
            ProfileSource::ActivationCodes(stock) => {
                self.next_code(stock, codes, record.eid, &rule.name)
            }
        };
        chosen.map_err(|error| format!("rule {}: {error}", rule.name))
    }

    fn next_code(
        &self,
        stock: &str,
        codes: &[String],
        eid: Eid,
        rule: &str,
    ) -> Result<ChosenProfile, String> {
        let place = self.store.allot_code(stock, codes.len(), eid);
        let place = place.map_err(|error| error.to_string())?;
        let code = place.and_then(|place| codes.get(place));
        let code = code.ok_or_else(|| format!("no activation code is left in {stock}"))?;
        Ok(ChosenProfile {
            activation_code: code.clone(),
            expects: None,
            rule: rule.to_string(),
        })
    }
}

/// Orders as operators do. The call is named after the EID, so that it is known when it
/// is repeated.
fn order(
    smdp: &OwnSmdp,
    profile_type: &str,
    eid: Eid,
    rule: &str,
    cx: &mut Context<'_>,
) -> Result<ChosenProfile, String> {
    let call = format!("{rule}-{eid}");
    let released = smdp.order(profile_type, Some(eid), &call, cx);
    let released = released.map_err(|error| error.to_string())?;
    Ok(ChosenProfile {
        activation_code: released.activation_code,
        expects: Some(released.iccid),
        rule: rule.to_string(),
    })
}

fn rule(configured: &ZeroTouch) -> Result<Rule, Failure> {
    let failed = |error: &str| Failure::new(format!("[[zero_touch]] {}", configured.name), error);
    let (source, codes) = match (&configured.profile_type, &configured.codes) {
        (Some(profile_type), None) => {
            (ProfileSource::ProfileType(profile_type.clone()), Vec::new())
        }
        (None, Some(file)) => {
            let name = file.display().to_string();
            (ProfileSource::ActivationCodes(name), read_codes(file)?)
        }
        _ => return Err(failed("give either profile_type or codes")),
    };
    let tenant = match &configured.tenant {
        Some(name) => name
            .parse()
            .map_err(|error: BadTenant| failed(&error.to_string()))?,
        None => Tenant::default(),
    };
    let rule = ZeroTouchRule {
        name: configured.name.clone(),
        eid_prefix: configured.eid_prefix.clone(),
        serial_prefix: configured.serial_prefix.clone(),
        fields: configured.fields.clone(),
        source,
    };
    Ok(Rule {
        tenant,
        rule,
        codes,
    })
}

/// One activation code on each line. Their order must stay: what was given away
/// is known by its place.
fn read_codes(file: &Path) -> Result<Vec<String>, Failure> {
    let text = files::read(file)?;
    let mut codes = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim();
        // The text of an error must not quote the code.
        let read = code.parse::<ActivationCode>();
        let place = || {
            Failure::new(
                file.display(),
                format!("line {number} is no activation code"),
            )
        };
        read.map_err(|_| place())?;
        codes.push(code.to_string());
    }
    Ok(codes)
}
