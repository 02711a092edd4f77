//! How a code is ordered at an SM-DP+ (ES2+, SGP.22 5.3): one function after the
//! other, each of which may be lost on its way, with all that is known at rest before
//! it is asked.

use std::fmt;
use std::time::Duration;

use rsp_asn1::ids::Iccid;
use rsp_core::binding::json::StatusCodeData;
use serde::{Deserialize, Serialize};

/// Until an SM-DP+ that did not answer is asked again; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// Between two attempts at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Name of the SM-DP+ of this server.
pub const OWN: &str = "own";

/// An order on its way, at rest beside its code. No secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeOrder {
    /// Name of the SM-DP+.
    pub smdp: String,
    /// `functionCallIdentifier`: that of each call of the order, however often it is
    /// repeated.
    pub call: String,
    /// In whose place, if not in the ledger's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// What is ordered.
    pub wanted: Wanted,
    /// What is asked next.
    pub step: Step,
    /// Whether that may have been executed already, and its answer lost.
    pub asked: bool,
    /// Attempts in a row of which nothing came.
    pub failures: u32,
    /// What came of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wanted {
    /// Any profile of a type (`profileType`).
    Type {
        /// Its name.
        profile_type: String,
    },
    /// This one, once its order is taken back.
    Again {
        /// The profile.
        iccid: Iccid,
    },
}

/// A function of ES2+.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "function", rename_all = "snake_case")]
pub enum Step {
    /// CancelOrder of the code that is doubtful.
    TakeBack,
    /// DownloadOrder.
    Order,
    /// ConfirmOrder, with the release.
    Confirm {
        /// What was ordered.
        iccid: Iccid,
    },
    /// CancelOrder of what cannot be confirmed.
    GiveUp {
        /// What was ordered.
        iccid: Iccid,
        /// Why it cannot.
        refusal: CodeRefusal,
    },
}

/// What an SM-DP+ says against an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRefusal {
    /// `subjectCode`, if there is one.
    pub subject_code: Option<String>,
    /// `reasonCode`, if there is one.
    pub reason_code: Option<String>,
    /// For people.
    pub text: String,
}

impl From<StatusCodeData> for CodeRefusal {
    fn from(data: StatusCodeData) -> Self {
        CodeRefusal {
            text: data.to_string(),
            subject_code: Some(data.subject_code),
            reason_code: Some(data.reason_code),
        }
    }
}

impl fmt::Display for CodeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl CodeRefusal {
    /// Whether it is the caller who is refused (subject 1.x), not the order.
    pub fn is_about_caller(&self) -> bool {
        let subject = self.subject_code.as_deref().unwrap_or_default();
        subject == "1" || subject.starts_with("1.")
    }

    /// Whether the profile is somebody else's (8.2.1/1.2).
    fn is_not_ours(&self) -> bool {
        self.codes() == Some(("8.2.1", "1.2"))
    }

    /// Whether the profile is ordered already (8.2.1/3.3).
    fn is_in_use(&self) -> bool {
        self.codes() == Some(("8.2.1", "3.3"))
    }

    fn codes(&self) -> Option<(&str, &str)> {
        Some((self.subject_code.as_deref()?, self.reason_code.as_deref()?))
    }
}

/// An activation code, `LPA:1$…`: a secret until it is used.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretCode(pub String);

impl fmt::Debug for SecretCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What an SM-DP+ gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Nothing but its word (CancelOrder).
    Nothing,
    /// A profile (DownloadOrder).
    Profile(Iccid),
    /// An activation code (ConfirmOrder).
    Code(SecretCode),
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was executed.
    Done(Given),
    /// It was executed, and refused.
    Refused(CodeRefusal),
    /// It was not executed.
    NotExecuted(String),
    /// Nobody knows whether it was.
    Lost(String),
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next call, at once.
    Ask(Box<CodeOrder>),
    /// The same call, after [`CodeOrder::pause`].
    Wait(Box<CodeOrder>),
    /// Nobody but the SM-DP+'s operator can tell what became of it.
    Unknown(Box<CodeOrder>),
    /// A code for the pool.
    Code(Iccid, SecretCode),
    /// No code comes of it.
    Refused(CodeRefusal),
}

impl CodeOrder {
    /// Of any profile of a type, nothing of it asked yet.
    pub fn of_type(smdp: &str, profile_type: &str, call: String) -> Self {
        let profile_type = profile_type.to_string();
        Self::begun(smdp, call, Wanted::Type { profile_type }, Step::Order)
    }

    /// Of the profile whose code is doubtful: its order is taken back first.
    pub fn again(smdp: &str, iccid: Iccid, call: String) -> Self {
        Self::begun(smdp, call, Wanted::Again { iccid }, Step::TakeBack)
    }

    fn begun(smdp: &str, call: String, wanted: Wanted, step: Step) -> Self {
        CodeOrder {
            smdp: smdp.to_string(),
            call,
            requester: None,
            wanted,
            step,
            asked: false,
            failures: 0,
            because: None,
        }
    }

    /// The profile that the call is about, if it is known.
    pub fn iccid(&self) -> Option<Iccid> {
        match (&self.step, &self.wanted) {
            (Step::Confirm { iccid } | Step::GiveUp { iccid, .. }, _)
            | (_, Wanted::Again { iccid }) => Some(*iccid),
            (_, Wanted::Type { .. }) => None,
        }
    }

    /// For how long an SM-DP+ is left alone that did not answer.
    pub fn pause(&self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures.saturating_sub(1));
        let pause = FIRST_PAUSE.saturating_mul(doubled.unwrap_or(u32::MAX));
        pause.min(LONGEST_PAUSE)
    }

    /// As it is to rest while its call is on its way.
    pub fn on_its_way(&self) -> Self {
        CodeOrder {
            asked: true,
            ..self.clone()
        }
    }

    /// Whether its call may be made (once more): where an SM-DP+ does not know
    /// repeated calls, a second DownloadOrder would order a second profile.
    pub fn may_be_asked(&self, knows_repeated: bool) -> bool {
        let orders_any = self.step == Step::Order && matches!(self.wanted, Wanted::Type { .. });
        knows_repeated || !self.asked || !orders_any
    }

    /// What follows from what came of the call.
    pub fn after(self, said: Said, knows_repeated: bool) -> Next {
        match said {
            Said::NotExecuted(because) => Next::Wait(Box::new(self.failed(because))),
            Said::Lost(because) => {
                let lost = CodeOrder {
                    asked: true,
                    ..self.failed(because)
                };
                match lost.may_be_asked(knows_repeated) {
                    true => Next::Wait(Box::new(lost)),
                    false => Next::Unknown(Box::new(lost)),
                }
            }
            Said::Done(given) => self.done(given),
            Said::Refused(refusal) => self.refused(refusal),
        }
    }

    fn done(self, given: Given) -> Next {
        match (self.step.clone(), given) {
            (Step::TakeBack, _) => self.next(Step::Order),
            (Step::Order, Given::Profile(iccid)) => self.next(Step::Confirm { iccid }),
            (Step::Confirm { iccid }, Given::Code(code)) => Next::Code(iccid, code),
            (Step::GiveUp { refusal, .. }, _) => Next::Refused(refusal),
            (Step::Order | Step::Confirm { .. }, _) => {
                let because = "the answer is that to another function".to_string();
                Next::Wait(Box::new(self.failed(because)))
            }
        }
    }

    fn refused(self, refusal: CodeRefusal) -> Next {
        let first = self.step == Step::Order && !self.asked;
        if refusal.is_about_caller() && !first {
            // A wrong certificate must not cost a code.
            return Next::Wait(Box::new(self.failed(refusal.text)));
        }
        match (self.step.clone(), &self.wanted) {
            // What came before may have been executed: the order shows it.
            (Step::TakeBack, _) if self.asked => self.next(Step::Order),
            (Step::TakeBack, _) if refusal.is_not_ours() => {
                Next::Unknown(Box::new(self.failed(refusal.text)))
            }
            (Step::Order, Wanted::Again { iccid }) if self.asked && refusal.is_in_use() => {
                let iccid = *iccid;
                self.next(Step::Confirm { iccid })
            }
            (Step::TakeBack | Step::Order, _) => Next::Refused(refusal),
            (Step::Confirm { iccid }, _) => self.next(Step::GiveUp { iccid, refusal }),
            // It is not ours to give up, or was given up before.
            (Step::GiveUp { refusal, .. }, _) => Next::Refused(refusal),
        }
    }

    fn next(self, step: Step) -> Next {
        Next::Ask(Box::new(CodeOrder {
            step,
            asked: false,
            failures: 0,
            because: None,
            ..self
        }))
    }

    fn failed(self, because: String) -> Self {
        CodeOrder {
            failures: self.failures.saturating_add(1),
            because: Some(because),
            ..self
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn iccid(number: u64) -> Iccid {
        format!("89999700000{number:07}").parse().unwrap()
    }

    fn refusal(subject: &str, reason: &str) -> CodeRefusal {
        CodeRefusal {
            subject_code: Some(subject.to_string()),
            reason_code: Some(reason.to_string()),
            text: format!("{subject}/{reason}"),
        }
    }

    /// An SM-DP+ with profiles, of which it knows who ordered them by which call and
    /// what their codes are.
    #[derive(Default)]
    struct Smdp {
        stock: Vec<Iccid>,
        ordered: BTreeMap<Iccid, (String, Option<String>)>,
        codes: u64,
        knows_repeated: bool,
    }

    impl Smdp {
        fn execute(&mut self, order: &CodeOrder, old: &str) -> Said {
            let unknown = || Said::Refused(refusal("8.2.1", "3.9"));
            match (&order.step, order.iccid()) {
                (Step::Order, Some(iccid)) => match self.ordered.get(&iccid) {
                    Some((call, None)) if self.knows_repeated && *call == order.call => {
                        Said::Done(Given::Profile(iccid))
                    }
                    Some(_) => Said::Refused(refusal("8.2.1", "3.3")),
                    None => self.take(iccid, order),
                },
                (Step::Order, None) => {
                    let mut known = self.ordered.iter();
                    let known = known.find(|(_, (call, _))| *call == order.call);
                    match (known, self.stock.last()) {
                        (Some((iccid, _)), _) if self.knows_repeated => {
                            Said::Done(Given::Profile(*iccid))
                        }
                        (_, Some(iccid)) => self.take(*iccid, order),
                        (_, None) => Said::Refused(refusal("8.2.5", "3.7")),
                    }
                }
                (Step::Confirm { iccid }, _) => {
                    let Some((_, code)) = self.ordered.get_mut(iccid) else {
                        return unknown();
                    };
                    self.codes += u64::from(code.is_none());
                    let code = code.get_or_insert(format!("code {}", self.codes));
                    Said::Done(Given::Code(SecretCode(code.clone())))
                }
                (Step::TakeBack, Some(iccid)) => match self.ordered.get(&iccid) {
                    Some((_, Some(code))) if code == old => self.put_back(iccid),
                    _ => Said::Refused(refusal("8.2.6", "3.10")),
                },
                (Step::GiveUp { iccid, .. }, _) => self.put_back(*iccid),
                (Step::TakeBack, None) => unknown(),
            }
        }

        fn take(&mut self, iccid: Iccid, order: &CodeOrder) -> Said {
            self.stock.retain(|other| *other != iccid);
            self.ordered.insert(iccid, (order.call.clone(), None));
            Said::Done(Given::Profile(iccid))
        }

        fn put_back(&mut self, iccid: Iccid) -> Said {
            self.ordered.remove(&iccid);
            self.stock.push(iccid);
            Said::Done(Given::Nothing)
        }
    }

    /// A reproducible row of numbers.
    fn random(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    /// Asks until it is over; requests and answers get lost, and whoever asks is
    /// killed and goes on with what rests.
    fn drive(smdp: &mut Smdp, order: CodeOrder, old: &str, seed: &mut u64) -> Next {
        let mut order = order;
        for _ in 0..1000 {
            if !order.may_be_asked(smdp.knows_repeated) {
                return Next::Unknown(Box::new(order));
            }
            let resting = order.on_its_way();
            let said = match random(seed) % 6 {
                0 => Said::NotExecuted("not reached".to_string()),
                1 => {
                    smdp.execute(&order, old);
                    Said::Lost("no answer".to_string())
                }
                2 => {
                    smdp.execute(&order, old);
                    order = resting;
                    continue;
                }
                _ => smdp.execute(&order, old),
            };
            match order.after(said, smdp.knows_repeated) {
                Next::Ask(next) | Next::Wait(next) => order = *next,
                over => return over,
            }
        }
        panic!("an order without an end");
    }

    #[test]
    fn whatever_is_lost_no_order_is_doubled_and_no_code_lost() {
        let mut seed = 7;
        for run in 0..5000 {
            let mut smdp = Smdp {
                stock: (0..3).map(iccid).collect(),
                knows_repeated: true,
                ..Smdp::default()
            };
            let order = CodeOrder::of_type("far", "operational", format!("call {run}"));
            let Next::Code(of, SecretCode(code)) = drive(&mut smdp, order, "", &mut seed) else {
                panic!("run {run}");
            };
            assert_eq!((smdp.ordered.len(), smdp.stock.len()), (1, 2), "run {run}");
            assert_eq!(smdp.ordered[&of].1.as_ref(), Some(&code));
            // The code that came is doubtful later, and renewed.
            let again = CodeOrder::again("far", of, format!("again {run}"));
            let Next::Code(same, SecretCode(renewed)) = drive(&mut smdp, again, &code, &mut seed)
            else {
                panic!("run {run}");
            };
            assert_eq!(same, of);
            assert_ne!(renewed, code, "run {run}");
            assert_eq!((smdp.ordered.len(), smdp.stock.len()), (1, 2), "run {run}");
        }
    }

    #[test]
    fn where_repeated_calls_are_not_known_nothing_is_ordered_twice_either() {
        let (mut seed, mut unknown) = (11, 0);
        for run in 0..5000 {
            let mut smdp = Smdp {
                stock: (0..3).map(iccid).collect(),
                ..Smdp::default()
            };
            let order = CodeOrder::of_type("far", "operational", format!("call {run}"));
            match drive(&mut smdp, order, "", &mut seed) {
                Next::Code(..) => {}
                Next::Unknown(order) => {
                    assert!(order.asked && order.step == Step::Order);
                    unknown += 1;
                }
                _ => panic!("run {run}"),
            }
            assert!(smdp.ordered.len() <= 1, "run {run}");
        }
        assert!((1000..3000).contains(&unknown), "{unknown}");
    }

    #[test]
    fn a_caller_who_is_refused_loses_no_code() {
        let order = CodeOrder::again("far", iccid(1), "call".to_string());
        let stranger = Said::Refused(refusal("1.1", "1.2"));
        let Next::Wait(waiting) = order.clone().after(stranger, true) else {
            panic!("a wrong certificate");
        };
        assert_eq!(waiting.because.as_deref(), Some("1.1/1.2"));
        let others = Said::Refused(refusal("8.2.1", "1.2"));
        assert!(matches!(
            order.clone().after(others, true),
            Next::Unknown(_)
        ));
        let delivered = Said::Refused(refusal("8.2.1", "3.3"));
        assert!(matches!(order.after(delivered, true), Next::Refused(_)));
    }

    #[test]
    fn what_cannot_be_confirmed_is_given_back() {
        let ordered = CodeOrder {
            step: Step::Confirm { iccid: iccid(1) },
            ..CodeOrder::of_type("far", "operational", "call".to_string())
        };
        let because = refusal("8.2.7", "2.2");
        let Next::Ask(given_up) = ordered.after(Said::Refused(because.clone()), true) else {
            panic!("it is still ordered");
        };
        let over = given_up.after(Said::Done(Given::Nothing), true);
        assert!(matches!(over, Next::Refused(refusal) if refusal == because));
    }

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let pause = |failures| {
            let order = CodeOrder::of_type("far", "a", String::new());
            CodeOrder { failures, ..order }.pause().as_secs()
        };
        assert_eq!([1, 2, 3, 20, 400].map(pause), [5, 10, 20, 3600, 3600]);
    }
}
