//! Which events somebody wants.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::event::NewEvent;
use super::kind::EventType;

/// Patterns of one filter at most.
const MOST: usize = 64;

/// The longest pattern of a subject, in octets.
const LONGEST_SUBJECT: usize = 256;

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// No event has such a type.
    #[error("no event is of the type {0:?}; types are written as operation.failed or operation.*")]
    Type(String),
    /// A subject is empty or too long, or has a `*` elsewhere than at its end.
    #[error("{0:?} is no subject; subjects are written as devices/8904… or operations/*")]
    Subject(String),
    /// There are too many patterns.
    #[error("a filter has 64 types and 64 subjects at most")]
    TooMany,
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// One type, or all of a noun (`operation.*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypePattern(String);

impl TypePattern {
    /// Whether it is one of these.
    pub fn matches(&self, kind: EventType) -> bool {
        match self.0.strip_suffix('*') {
            Some(noun) => kind.short().starts_with(noun),
            None => kind.short() == self.0,
        }
    }
}

impl FromStr for TypePattern {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        if let Ok(kind) = text.parse::<EventType>() {
            return Ok(TypePattern(kind.short().to_string()));
        }
        let bad = || BadFilter::Type(short(text));
        let pattern = text.strip_prefix("io.simurgh.").unwrap_or(text);
        let noun = pattern.strip_suffix(".*").ok_or_else(bad)?;
        let of_noun = |kind: &EventType| {
            kind.short()
                .split_once('.')
                .is_some_and(|(of, _)| of == noun)
        };
        match EventType::ALL.iter().any(of_noun) {
            true => Ok(TypePattern(pattern.to_string())),
            false => Err(bad()),
        }
    }
}

impl TryFrom<String> for TypePattern {
    type Error = BadFilter;

    fn try_from(text: String) -> Result<Self, BadFilter> {
        text.parse()
    }
}

impl From<TypePattern> for String {
    fn from(pattern: TypePattern) -> String {
        pattern.0
    }
}

/// One subject, or all that begin so (`devices/*`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectPattern(String);

impl SubjectPattern {
    /// Whether it is one of these.
    pub fn matches(&self, subject: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => subject.starts_with(beginning),
            None => subject == self.0,
        }
    }
}

impl FromStr for SubjectPattern {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        let beginning = text.strip_suffix('*').unwrap_or(text);
        let fits = !text.is_empty() && text.len() <= LONGEST_SUBJECT && !beginning.contains('*');
        match fits {
            true => Ok(SubjectPattern(text.to_string())),
            false => Err(BadFilter::Subject(short(text))),
        }
    }
}

impl TryFrom<String> for SubjectPattern {
    type Error = BadFilter;

    fn try_from(text: String) -> Result<Self, BadFilter> {
        text.parse()
    }
}

impl From<SubjectPattern> for String {
    fn from(pattern: SubjectPattern) -> String {
        pattern.0
    }
}

/// Which events somebody wants: those of one of the types about one of the
/// subjects. Where there are none, all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// The types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<TypePattern>,
    /// The subjects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<SubjectPattern>,
}

impl EventFilter {
    /// A filter of these patterns.
    ///
    /// # Errors
    /// [`BadFilter`] with the first one that is none.
    pub fn new<T: AsRef<str>>(types: &[T], subjects: &[T]) -> Result<Self, BadFilter> {
        if types.len() > MOST || subjects.len() > MOST {
            return Err(BadFilter::TooMany);
        }
        let types = types.iter().map(|text| text.as_ref().parse());
        let subjects = subjects.iter().map(|text| text.as_ref().parse());
        Ok(EventFilter {
            types: types.collect::<Result<_, _>>()?,
            subjects: subjects.collect::<Result<_, _>>()?,
        })
    }

    /// Whether it wants this event.
    pub fn wants(&self, event: &NewEvent) -> bool {
        self.wants_type(event.kind) && self.wants_subject(&event.subject)
    }

    /// Whether it wants events of this type.
    pub fn wants_type(&self, kind: EventType) -> bool {
        self.types.is_empty() || self.types.iter().any(|types| types.matches(kind))
    }

    fn wants_subject(&self, subject: &str) -> bool {
        let mut subjects = self.subjects.iter();
        self.subjects.is_empty() || subjects.any(|pattern| pattern.matches(subject))
    }

    /// The types that it wants, or none if it wants all.
    pub fn kinds(&self) -> Vec<EventType> {
        let kinds = EventType::ALL.iter().copied();
        match self.types.is_empty() {
            true => Vec::new(),
            false => kinds.filter(|kind| self.wants_type(*kind)).collect(),
        }
    }

    /// Its patterns of types, as text.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|pattern| pattern.0.as_str())
    }

    /// Its patterns of subjects, as text.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().map(|pattern| pattern.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use rsp_core::Timestamp;

    use super::*;

    fn event(kind: EventType, subject: &str) -> NewEvent {
        NewEvent::new(kind, subject.to_string(), Timestamp(0))
    }

    #[test]
    fn a_filter_wants_one_of_its_types_about_one_of_its_subjects() {
        let filter = |types: &[&str], subjects: &[&str]| EventFilter::new(types, subjects).unwrap();
        let failed = event(EventType::OperationFailed, "operations/1");
        let added = event(EventType::DeviceAdded, "devices/89049032");
        let both = |filter: EventFilter| (filter.wants(&failed), filter.wants(&added));
        assert_eq!(both(filter(&[], &[])), (true, true));
        assert_eq!(both(filter(&["operation.failed"], &[])), (true, false));
        assert_eq!(
            both(filter(&["io.simurgh.operation.failed.v1"], &[])),
            (true, false)
        );
        assert_eq!(
            both(filter(&["operation.*", "device.added"], &[])),
            (true, true)
        );
        assert_eq!(both(filter(&["io.simurgh.device.*"], &[])), (false, true));
        assert_eq!(both(filter(&[], &["devices/8904*"])), (false, true));
        assert_eq!(both(filter(&[], &["operations/1"])), (true, false));
        assert_eq!(
            both(filter(&["device.*"], &["operations/*"])),
            (false, false)
        );
    }

    #[test]
    fn what_no_event_is_is_no_filter() {
        for types in [
            "",
            "*",
            "operation",
            "operation.burnt",
            "rocket.*",
            "oper*",
            "operation.f*",
        ] {
            assert!(
                matches!(EventFilter::new(&[types], &[]), Err(BadFilter::Type(_))),
                "{types}"
            );
        }
        for subject in ["", "a*b", "**", &"a".repeat(257)] {
            let filter = EventFilter::new(&[], &[subject]);
            assert!(matches!(filter, Err(BadFilter::Subject(_))), "{subject}");
        }
        let many = vec!["device.*"; 65];
        assert_eq!(EventFilter::new(&many, &[]), Err(BadFilter::TooMany));
    }

    #[test]
    fn a_filter_comes_back_as_it_was_written() {
        let filter = EventFilter::new(&["operation.*"], &["devices/*"]).unwrap();
        let text = serde_json::to_string(&filter).unwrap();
        assert_eq!(serde_json::from_str::<EventFilter>(&text).unwrap(), filter);
        assert!(serde_json::from_str::<EventFilter>(r#"{"types":["x"]}"#).is_err());
    }
}
