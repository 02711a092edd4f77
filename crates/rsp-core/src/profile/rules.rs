//! The rules that packages are checked against: codes, severities, sections.

use core::fmt;

/// The rules that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The package is a sequence of elements in DER.
    Encoding,
    /// header first, mf second, end last.
    Order,
    /// What there must be one of, is there.
    Missing,
    /// What there may be one of, is not repeated.
    Repeated,
    /// Elements follow the application that they extend.
    Dependency,
    /// A mandated service is one that an element needs.
    Service,
    /// What an element needs of the eUICC, the header mandates.
    ServiceUndeclared,
    /// Keys and options are those that their algorithm takes.
    AlgorithmKey,
    /// Keys are not all zero.
    Placeholder,
    /// The profile does not authenticate with the test algorithm.
    TestAlgorithm,
    /// Sequence numbers and their limits are in their range.
    Sequence,
    /// identification is unique and in its range.
    Identification,
    /// The header lists the templates of mandated elements.
    TemplateList,
    /// A PUK is defined before the PIN that names it.
    PukReference,
    /// A PIN is decimal digits filled with 'FF'.
    PinCoding,
    /// Keys that access rules name exist.
    KeyReference,
    /// Access rules that files name exist.
    AccessRule,
    /// One ICCID everywhere.
    Iccid,
    /// EF.IMSI holds an IMSI, of the network that the metadata name.
    Imsi,
    /// EF.ACC has the class of the IMSI's last digit.
    AccessClass,
    /// EF.AD says where the MNC ends, and other files agree.
    MncLength,
    /// The profile has a security domain with keys.
    SecurityDomain,
    /// No file is created twice.
    DuplicateFile,
    /// The directory of a file exists when it is created.
    Directory,
    /// What is written into a file fits into it.
    FileContents,
    /// A file has a size, of whole records.
    FileSize,
    /// A file of the standards has the size that they give it.
    FileFormat,
    /// A service of EF.UST has its files.
    ServiceFile,
    /// A file that belongs to a service has it in EF.UST.
    FileService,
    /// Services of EF.UST and EF.EST fit each other.
    ServiceTable,
    /// The SUCI can be calculated with what the files hold.
    Suci,
    /// EF.DIR names every application.
    ApplicationList,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Works, but probably not as meant.
    Warning,
    /// An eUICC refuses it, or the profile cannot be used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// Code, severity and section of a rule.
type RuleRow = (Rule, &'static str, Severity, &'static str);

/// All rules. Sections of SAIP are those of the interoperable format's chapter
/// on profile elements.
const RULES: [RuleRow; 32] = [
    (Rule::Encoding, "encoding", Severity::Error, "SAIP 8.1"),
    (Rule::Order, "element-order", Severity::Error, "SAIP 8.1"),
    (
        Rule::Missing,
        "element-missing",
        Severity::Error,
        "SAIP 8.1, 8.3",
    ),
    (
        Rule::Repeated,
        "element-repeated",
        Severity::Error,
        "SAIP 8.1",
    ),
    (
        Rule::Dependency,
        "element-dependency",
        Severity::Error,
        "SAIP 8.1",
    ),
    (Rule::Service, "service-unused", Severity::Error, "SAIP 8.2"),
    (
        Rule::ServiceUndeclared,
        "service-undeclared",
        Severity::Warning,
        "SAIP 8.2",
    ),
    (
        Rule::AlgorithmKey,
        "algorithm-key",
        Severity::Error,
        "SAIP 8.5, TS 35.206, TS 35.231",
    ),
    (
        Rule::Placeholder,
        "key-placeholder",
        Severity::Warning,
        "SAIP 8.5, 8.6",
    ),
    (
        Rule::TestAlgorithm,
        "test-algorithm",
        Severity::Note,
        "TS 34.108 8.1.2",
    ),
    (
        Rule::Sequence,
        "sequence-number",
        Severity::Error,
        "SAIP 8.5, TS 33.102 C.2",
    ),
    (
        Rule::Identification,
        "identification",
        Severity::Error,
        "SAIP 8.1",
    ),
    (
        Rule::TemplateList,
        "template-list",
        Severity::Error,
        "SAIP 8.2",
    ),
    (
        Rule::PukReference,
        "puk-reference",
        Severity::Error,
        "SAIP 8.4",
    ),
    (
        Rule::PinCoding,
        "pin-coding",
        Severity::Warning,
        "SAIP 8.4, TS 102 221 9.5",
    ),
    (
        Rule::KeyReference,
        "key-reference",
        Severity::Error,
        "SAIP 8.4, TS 102 221 9.2",
    ),
    (
        Rule::AccessRule,
        "access-rule",
        Severity::Error,
        "SAIP 8.3, TS 102 221 9.2",
    ),
    (
        Rule::Iccid,
        "iccid",
        Severity::Error,
        "SAIP 8.2, TS 102 221 13.2",
    ),
    (Rule::Imsi, "imsi", Severity::Error, "TS 31.102 4.2.2"),
    (
        Rule::AccessClass,
        "access-class",
        Severity::Note,
        "TS 22.011 4.2, TS 31.102 4.2.15",
    ),
    (
        Rule::MncLength,
        "mnc-length",
        Severity::Warning,
        "TS 31.102 4.2.18",
    ),
    (
        Rule::SecurityDomain,
        "security-domain",
        Severity::Error,
        "SAIP 8.6",
    ),
    (
        Rule::DuplicateFile,
        "file-duplicate",
        Severity::Error,
        "SAIP 8.3",
    ),
    (
        Rule::Directory,
        "file-directory",
        Severity::Error,
        "SAIP 8.3.5",
    ),
    (
        Rule::FileContents,
        "file-contents",
        Severity::Error,
        "SAIP 8.3",
    ),
    (
        Rule::FileSize,
        "file-size",
        Severity::Error,
        "SAIP 8.3, TS 102 222 6.3.2.2.2",
    ),
    (
        Rule::FileFormat,
        "file-format",
        Severity::Warning,
        "TS 31.102 4.2, 4.4",
    ),
    (
        Rule::ServiceFile,
        "ust-file-missing",
        Severity::Warning,
        "TS 31.102 4.2.8",
    ),
    (
        Rule::FileService,
        "ust-bit-missing",
        Severity::Note,
        "TS 31.102 4.2.8",
    ),
    (
        Rule::ServiceTable,
        "service-table",
        Severity::Warning,
        "TS 31.102 4.2.8, 4.2.47",
    ),
    (
        Rule::Suci,
        "suci",
        Severity::Error,
        "TS 31.102 4.4.11.8, TS 33.501 C",
    ),
    (
        Rule::ApplicationList,
        "application-list",
        Severity::Warning,
        "TS 102 221 13.1",
    ),
];

impl Rule {
    /// Every rule, for people who want to know what is looked at.
    pub fn all() -> impl Iterator<Item = Rule> {
        RULES.iter().map(|(rule, ..)| *rule)
    }

    fn row(self) -> &'static RuleRow {
        const UNKNOWN: RuleRow = (Rule::Encoding, "unknown", Severity::Error, "");
        let found = RULES.iter().find(|(rule, ..)| *rule == self);
        found.unwrap_or(&UNKNOWN)
    }

    /// Its name, which stays the same over versions.
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// How bad it is not to keep it.
    pub fn severity(self) -> Severity {
        self.row().2
    }

    /// Where it is written down.
    pub fn section(self) -> &'static str {
        self.row().3
    }
}
