//! ES12 and ES15 on a store.

use rsp_core::Context;
use rsp_core::binding::es12_json::{self, DeleteEvent, RegisterEvent, Request};
use rsp_core::binding::json::{self, Empty};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::smds::{Event, Forward, Refusal};

use super::{Failure, SmdsHost, retried};
use crate::contract::StoreError;

/// What comes of a request.
#[derive(Debug)]
pub enum Es12 {
    /// The answer.
    Answer(HttpResponse),
    /// The root SM-DS is to be told first: what it answers goes into
    /// [`SmdsHost::forwarded`], which gives the answer.
    Forward(Box<Forward>),
}

impl SmdsHost {
    /// Answers a function of ES12 or ES15 that `caller` calls, as its
    /// certificate names it; it may give itself only identifiers that `may_be`
    /// allows (`functionRequesterIdentifier`).
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es12(
        &self,
        request: &HttpRequest,
        caller: &str,
        may_be: &dyn Fn(&str) -> bool,
        cx: &mut Context<'_>,
    ) -> Result<Es12, StoreError> {
        let message = match es12_json::decode_request(request) {
            Ok(message) => message,
            Err(error) => {
                self.observe(&request.path, &error);
                return Ok(Es12::Answer(json::not_executed(&error)));
            }
        };
        let header = match &message {
            Request::RegisterEvent(request) => &request.header,
            Request::DeleteEvent(request) => &request.header,
        };
        let identifier = &header.function_requester_identifier;
        let executed = match may_be(identifier) {
            true => retried(|| match &message {
                Request::RegisterEvent(request) => self.register_event(request, caller, cx),
                Request::DeleteEvent(request) => self.delete_event(request, caller),
            }),
            false => Err(Refusal::OtherRequester.into()),
        };
        match executed {
            Ok(outcome) => Ok(outcome),
            Err(failure) => Ok(Es12::Answer(self.refused(&request.path, failure)?)),
        }
    }

    /// Ends a function with what the root SM-DS answered, or why it did not.
    ///
    /// # Errors
    /// If the store fails: a repeated call then goes on where this one ended.
    pub fn forwarded(
        &self,
        forward: &Forward,
        answer: Result<HttpResponse, String>,
    ) -> Result<HttpResponse, StoreError> {
        let told = forward.outcome(answer);
        let refused = told.as_ref().err().map(|rejected| rejected.refusal);
        let settled = retried(|| {
            self.change(forward, |events, at| match (forward.registers, refused) {
                (true, None) => {
                    let forwarded = events.get_mut(at).and_then(|one| one.forwarded.as_mut());
                    forwarded.into_iter().for_each(|at| at.known = true);
                }
                // It may have been registered: a repeated call finds out.
                (true, Some(Refusal::RootInaccessible)) | (false, Some(_)) => {}
                (true, Some(_)) | (false, None) => drop(events.remove(at)),
            })
        });
        let ended = settled.and_then(|()| told.map_err(Failure::from));
        match ended.and_then(|()| Ok(json::encode_response(Ok(Empty {}))?)) {
            Ok(response) => Ok(response),
            Err(failure) => self.refused(&forward.request.path, failure),
        }
    }

    fn refused(&self, path: &str, failure: Failure) -> Result<HttpResponse, StoreError> {
        if let Failure::Store(error) = failure {
            return Err(error);
        }
        self.observe(path, &failure);
        Ok(match failure {
            Failure::Rejected(rejected) => json::refusal(rejected.refusal),
            failure => HttpResponse::failure(400, &failure.to_string()),
        })
    }

    /// An event that the root SM-DS is to know is stored before it is told.
    fn register_event(
        &self,
        request: &RegisterEvent,
        caller: &str,
        cx: &mut Context<'_>,
    ) -> Result<Es12, Failure> {
        let mut events = self.store.smds_events(request.eid)?;
        let known = &events.value;
        let registration = self.smds.register_event(request, caller, known, cx)?;
        if !known.contains(&registration.event) {
            events.value.push(registration.event);
            self.store.put_smds_events(request.eid, &events)?;
        }
        outcome(registration.forward)
    }

    /// An event that the root SM-DS knows is deleted there first.
    fn delete_event(&self, request: &DeleteEvent, caller: &str) -> Result<Es12, Failure> {
        let mut events = self.store.smds_events(request.eid)?;
        let deletion = self.smds.delete_event(request, caller, &events.value)?;
        if deletion.forward.is_none() {
            events.value.retain(|event| *event != deletion.event);
            self.store.put_smds_events(request.eid, &events)?;
        }
        outcome(deletion.forward)
    }

    /// Changes the event that was forwarded, if it is still there.
    fn change(
        &self,
        forward: &Forward,
        change: impl Fn(&mut Vec<Event>, usize),
    ) -> Result<(), Failure> {
        let mut events = self.store.smds_events(forward.eid)?;
        let mut all = events.value.iter();
        if let Some(at) = all.position(|event| forward.is_about(event)) {
            change(&mut events.value, at);
            self.store.put_smds_events(forward.eid, &events)?;
        }
        Ok(())
    }
}

fn outcome(forward: Option<Forward>) -> Result<Es12, Failure> {
    Ok(match forward {
        Some(forward) => Es12::Forward(Box::new(forward)),
        None => Es12::Answer(json::encode_response(Ok(Empty {}))?),
    })
}
