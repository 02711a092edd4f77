//! The end of a simulation: the link is good again, and what servers and cards
//! say is put side by side.

use std::collections::BTreeMap;

use euicc::Deed;
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;
use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState, Outcome};

use super::checker::{Claim, History, Said, Wish};
use super::subject::{Subject, Want};
use super::{Event, Faults, Simulation, Totals, operator};
use crate::world::{EIM, START, WorldError};

/// Polls after which nothing may be unknown.
const POLLS: usize = 2;

/// Steps of one poll at most: a device that does not come to rest is an error.
const STEPS: usize = 10_000;

impl Simulation {
    /// The link is back: what is on its way arrives, everybody is there, and
    /// each device polls. Gives the operations of which nothing is known two
    /// polls later. Then each device is asked for its profiles.
    pub(super) fn calm(&mut self) -> Result<BTreeMap<usize, Vec<String>>, WorldError> {
        self.faults = Faults::NONE;
        self.backend.come_back();
        let late = std::mem::take(&mut self.coming);
        for ((when, _), (device, event)) in late {
            let Some(eid) = self.subjects.get(device).map(|subject| subject.eid) else {
                continue;
            };
            self.now = self.now.max(when.min(self.now.after(super::TIMEOUT * 4)));
            if let Event::Request {
                server, request, ..
            } = event
            {
                let fate = super::Fate::default();
                self.backend.serve(server, eid, &request, self.now, fate)?;
            }
        }
        let mut unresolved = BTreeMap::new();
        for device in 0..self.subjects.len() {
            let Some(subject) = self.subjects.get(device) else {
                continue;
            };
            let (number, eid) = (subject.number, subject.eid);
            unresolved.insert(number, self.work_off(device, eid)?);
            self.ask_for_profiles(number, eid)?;
            for _ in 0..POLLS {
                self.poll(device)?;
            }
        }
        Ok(unresolved)
    }

    /// What is unknown of a device must be known two polls later, and so must
    /// what waits, as soon as none is left that waits: a device that was away
    /// does not do all of it in one round. Gives what is not.
    fn work_off(&mut self, device: usize, eid: Eid) -> Result<Vec<String>, WorldError> {
        let sent = |o: &Operation| o.state != OperationState::Queued;
        let open = self.open_operations(eid)?;
        let unknown: Vec<_> = open.into_iter().filter(sent).map(|o| o.id).collect();
        for _ in 0..POLLS {
            self.poll(device)?;
        }
        let mut open = self.open_operations(eid)?;
        let mut unresolved: Vec<_> = open.iter().filter(|o| unknown.contains(&o.id)).collect();
        if unresolved.is_empty() {
            loop {
                for _ in 0..POLLS {
                    self.poll(device)?;
                }
                let left = self.open_operations(eid)?;
                let fewer = left.len() < open.len();
                open = left;
                if !fewer {
                    break;
                }
            }
            unresolved = open.iter().collect();
        }
        let named = |o: &&Operation| format!("{} ({:?}, {:?})", o.id, o.kind, o.state);
        Ok(unresolved.iter().map(named).collect())
    }

    /// The operations of which it is not known what came.
    fn open_operations(&self, eid: Eid) -> Result<Vec<Operation>, WorldError> {
        let mut open = self.backend.operations(eid)?;
        open.retain(|operation| !is_settled(operation));
        Ok(open)
    }

    fn ask_for_profiles(&mut self, number: usize, eid: Eid) -> Result<(), WorldError> {
        let id = OperationId(format!("{number:05}-at-the-end"));
        let list = Operation::queued(id, eid, OperationKind::ListProfileInfo, self.now);
        Ok(self.backend.eim.add_operation(&list)?)
    }

    /// One round of a device, with nothing in its way.
    fn poll(&mut self, device: usize) -> Result<(), WorldError> {
        let Some(subject) = self.subjects.get_mut(device) else {
            return Ok(());
        };
        if subject.asked.is_some() {
            subject.answer(Err("no answer".to_string()), self.now);
        }
        let polls = subject.polls;
        self.now = self.now.after(super::POLL_INTERVAL);
        subject.wake(self.now)?;
        for _ in 0..STEPS {
            let Some(subject) = self.subjects.get_mut(device) else {
                return Ok(());
            };
            match subject.act(self.now, &self.faults)? {
                Want::Idle(_) => {
                    subject.polls = polls + 1;
                    return Ok(());
                }
                Want::Wait(until) if until == Timestamp(u64::MAX) => return Ok(()),
                Want::Wait(until) => {
                    self.now = self.now.max(until);
                    subject.wake(self.now)?;
                }
                Want::Request(server, request) => {
                    let fate = super::Fate::default();
                    let eid = subject.eid;
                    let response = self.backend.serve(server, eid, &request, self.now, fate)?;
                    let response = response.ok_or_else(|| "no answer".to_string());
                    if let Some(subject) = self.subjects.get_mut(device) {
                        subject.answer(response, self.now);
                    }
                }
            }
        }
        Err(WorldError::Missing("end of a poll"))
    }

    /// What the checker is to judge.
    pub(super) fn histories(
        self,
        mut unresolved: BTreeMap<usize, Vec<String>>,
    ) -> Result<(Vec<History>, Totals), WorldError> {
        let mut totals = Totals {
            exchanges: self.exchanges,
            days: self.now.since(START).as_secs() / 86_400,
            eim_deaths: self.backend.deaths.first().copied().unwrap_or_default(),
            smdp_deaths: self.backend.deaths.last().copied().unwrap_or_default(),
            ..Totals::default()
        };
        let mut histories = Vec::new();
        for subject in self.subjects {
            let eid = subject.eid;
            let operations = self.backend.operations(eid)?;
            let claim = |operation: &Operation| Claim {
                id: format!(
                    "{} {} {:?}",
                    operation.kind.name(),
                    operation.id,
                    operation.state
                ),
                wish: wish(operation, &subject),
                said: said(operation),
                attempts: self.backend.attempts(&operation.id),
                told_by: operation.settled_by.as_ref().and_then(|list| {
                    let attempts = self.backend.attempts(list);
                    attempts.iter().find_map(|attempt| attempt.counter)
                }),
            };
            let claims: Vec<Claim> = operations.iter().map(claim).collect();
            let record = self.backend.eim.store().euicc(eid)?;
            let profiles = record.and_then(|record| record.value.profiles);
            totals.of_device(&subject, &claims);
            let number = subject.number;
            let history = History {
                number,
                eid,
                eim_id: EIM.to_string(),
                sent: self.backend.sent(eid),
                acknowledged: self.backend.acknowledged(eid),
                kept: self.backend.kept(eid)?,
                claims,
                unresolved: unresolved.remove(&number).unwrap_or_default(),
                listed: profiles.map(|list| {
                    let entries = list.profiles.into_iter();
                    let entries = entries.filter_map(|p| Some((p.iccid?, p.enabled)));
                    entries.collect::<BTreeMap<Iccid, bool>>()
                }),
                deeds: subject.into_deeds(),
            };
            totals.of_card(&history.deeds);
            histories.push(history);
        }
        Ok((histories, totals))
    }
}

impl Totals {
    fn of_device(&mut self, subject: &Subject, claims: &[Claim]) {
        self.operations += subject.queued;
        self.polls += subject.polls;
        self.lost_results += subject.lost_results;
        self.unknown += subject.lingering.ever;
        self.longest_unknown = self.longest_unknown.max(subject.lingering.longest);
        self.ipa_deaths += subject.blows.ipa;
        self.device_deaths += subject.blows.device;
        self.card_faults += subject.blows.card;
        let done = |claim: &&Claim| matches!(claim.said, Said::Done(_));
        self.done += claims.iter().filter(done).count();
    }

    fn of_card(&mut self, deeds: &[Deed]) {
        for deed in deeds {
            match deed {
                Deed::Executed { .. } => self.packages += 1,
                Deed::Refused { .. } => self.refused += 1,
                Deed::Installed(..) => self.installed += 1,
                Deed::RolledBack { .. } => self.rolled_back += 1,
                _ => {}
            }
        }
    }
}

/// Whether it is known what came of an operation.
fn is_settled(operation: &Operation) -> bool {
    operation.is_final() || matches!(operation.state, OperationState::Executed { .. })
}

fn wish(operation: &Operation, subject: &Subject) -> Wish {
    match &operation.kind {
        OperationKind::Download { activation_code } => {
            Wish::Download(operator::good_for(subject, activation_code))
        }
        OperationKind::Enable { iccid, .. } => Wish::Enable(*iccid),
        OperationKind::Disable { iccid } => Wish::Disable(*iccid),
        OperationKind::Delete { iccid } => Wish::Delete(*iccid),
        OperationKind::SetFallbackAttribute { iccid } => Wish::Fallback(Some(*iccid)),
        OperationKind::UnsetFallbackAttribute => Wish::Fallback(None),
        OperationKind::ConfigureImmediateEnable(immediate) => Wish::EnableAtOnce(immediate.enable),
        OperationKind::AddEim { .. } => Wish::OtherEim(true),
        OperationKind::DeleteEim { .. } => Wish::OtherEim(false),
        _ => Wish::Other,
    }
}

fn said(operation: &Operation) -> Said {
    match &operation.state {
        OperationState::Executed { outcome } | OperationState::Confirmed { outcome, .. } => {
            Said::Done(match outcome {
                Outcome::Installed { iccid } => *iccid,
                _ => None,
            })
        }
        // Nothing of it was done, even if something of it had been sent.
        OperationState::Failed { .. } | OperationState::Expired => Said::Failed,
        OperationState::RolledBack => Said::RolledBack,
        OperationState::Cancelled => Said::Cancelled,
        OperationState::Queued
        | OperationState::Delivered { .. }
        | OperationState::OutcomeUnknown { .. } => Said::Open,
    }
}
