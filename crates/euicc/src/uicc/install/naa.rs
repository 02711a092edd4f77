//! Authentication parameters (SAIP 8.5).

use alloc::vec;
use alloc::vec::Vec;

use rsp_asn1::saip::{AkaParameter, AlgoConfiguration, AlgoParameter, AlgorithmId, CdmaParameter};

use super::super::aka::{Authentication, ENTRIES, MAX_SEQ, Subscription};
use super::super::algorithm::{Function, tuak_parameters};
use super::super::fs::FileId;
use super::build::{Build, NaaKind};
use super::fault::Fault;

impl Build {
    /// Parameters of the USIM or ISIM created last.
    pub(super) fn aka_parameter(&mut self, pe: &AkaParameter) -> Result<(), Fault> {
        let naa = self.naa.filter(|naa| naa.kind != NaaKind::Csim);
        let adf = naa.ok_or(Fault::FORMAT)?.adf;
        if self.authentication(adf).is_some() {
            return Err(Fault::FORMAT);
        }
        let entry = match &pe.algo_configuration {
            AlgoConfiguration::AlgoParameter(algorithm) => {
                Authentication::Own(subscription(pe, algorithm)?)
            }
            AlgoConfiguration::MappingParameter(mapping) => {
                Authentication::Mapped(self.mapping_source(&mapping.mapping_source)?)
            }
        };
        self.authentications.push((adf, entry));
        Ok(())
    }

    /// CAVE parameters of the CSIM created last. They are kept; there is no
    /// command that uses them.
    pub(super) fn cdma_parameter(&mut self, pe: &CdmaParameter, der: &[u8]) -> Result<(), Fault> {
        self.naa_of(NaaKind::Csim)?;
        let within = |value: &Option<rsp_asn1::saip::Secret>,
                      lengths: core::ops::RangeInclusive<usize>| {
            value
                .as_ref()
                .is_none_or(|secret| lengths.contains(&secret.0.len()))
        };
        let valid = pe.authentication_key.0.len() == 8
            && within(&pe.ssd, 16..=16)
            && within(&pe.hrpd_access_authentication_data, 2..=32)
            && within(&pe.simple_ip_authentication_data, 3..=483)
            && within(&pe.mobile_ip_authentication_data, 5..=957);
        if !valid {
            return Err(Fault::BAD_VALUES);
        }
        self.keep(der);
        Ok(())
    }

    fn authentication(&self, adf: FileId) -> Option<&Authentication> {
        let found = self.authentications.iter().find(|(of, _)| *of == adf);
        found.map(|(_, entry)| entry)
    }

    /// The ADF with this AID, which has parameters of its own.
    fn mapping_source(&self, aid: &[u8]) -> Result<FileId, Fault> {
        let found = self.fs.iter().find(|(id, _)| self.fs.aid(*id) == Some(aid));
        let (source, _) = found.ok_or(Fault::BAD_VALUES)?;
        match self.authentication(source) {
            Some(Authentication::Own(_)) => Ok(source),
            Some(Authentication::Mapped(source)) => Ok(*source),
            None => Err(Fault::BAD_VALUES),
        }
    }
}

fn subscription(pe: &AkaParameter, algorithm: &AlgoParameter) -> Result<Subscription, Fault> {
    let [options] = pe.sqn_options;
    let function = function(algorithm)?;
    let left = match function {
        Function::Milenage { .. } | Function::Tuak { .. } => algorithm.auth_counter_max,
        Function::Test { .. } => None,
    };
    Ok(Subscription {
        function,
        options,
        delta: seq(&pe.sqn_delta)?,
        age_limit: seq(&pe.sqn_age_limit)?,
        accepted: accepted(pe)?,
        authentications_left: left.map(|[a, b, c]| u32::from_be_bytes([0, a, b, c])),
    })
}

fn function(algorithm: &AlgoParameter) -> Result<Function, Fault> {
    let [options] = algorithm.algorithm_options;
    let k = || block(&algorithm.key.0);
    match algorithm.algorithm_id {
        AlgorithmId::MILENAGE => Ok(Function::Milenage {
            k: k()?,
            opc: block(&algorithm.opc.0)?,
            rotation: algorithm.rotation_constants,
            xoring: constants(&algorithm.xoring_constants)?,
        }),
        AlgorithmId::TUAK => tuak(algorithm),
        AlgorithmId::USIM_TEST_ALGORITHM => Ok(Function::Test {
            k: k()?,
            res: test_res_length(options)?,
        }),
        _ => Err(Fault::PARAMETER),
    }
}

fn tuak(algorithm: &AlgoParameter) -> Result<Function, Fault> {
    let [options] = algorithm.algorithm_options;
    let iterations = u8::try_from(algorithm.number_of_keccak).map_err(|_| Fault::BAD_VALUES)?;
    let topc = algorithm.opc.0.as_slice().try_into();
    if !matches!(algorithm.key.0.len(), 16 | 32) {
        return Err(Fault::BAD_VALUES);
    }
    tuak_parameters(options, iterations).ok_or(Fault::BAD_VALUES)?;
    Ok(Function::Tuak {
        k: algorithm.key.0.clone(),
        topc: topc.map_err(|_| Fault::BAD_VALUES)?,
        iterations,
        options,
    })
}

/// Octets of RES of the test algorithm, from the low bits of
/// algorithmOptions: 0 is 32 bits, 1 is 64, 2 is 128. That is how the field
/// reads the profile package specification; the GSMA TS.48 profiles have 2.
fn test_res_length(options: u8) -> Result<u8, Fault> {
    match options & 0x07 {
        0 => Ok(4),
        1 => Ok(8),
        2 => Ok(16),
        _ => Err(Fault::BAD_VALUES),
    }
}

fn block(octets: &[u8]) -> Result<[u8; 16], Fault> {
    octets.try_into().map_err(|_| Fault::BAD_VALUES)
}

fn constants(octets: &[u8; 80]) -> Result<[[u8; 16]; 5], Fault> {
    let (blocks, _) = octets.as_chunks::<16>();
    blocks.try_into().map_err(|_| Fault::BAD_VALUES)
}

fn accepted(pe: &AkaParameter) -> Result<Vec<u64>, Fault> {
    match &pe.sqn_init {
        None => Ok(vec![0; ENTRIES]),
        Some(values) if values.len() == ENTRIES => values.iter().map(seq).collect(),
        Some(_) => Err(Fault::BAD_VALUES),
    }
}

/// A SEQ, sequence number without IND.
fn seq(octets: &[u8; 6]) -> Result<u64, Fault> {
    let seq = octets
        .iter()
        .fold(0, |seq, octet| seq << 8 | u64::from(*octet));
    match seq {
        0..=MAX_SEQ => Ok(seq),
        _ => Err(Fault::BAD_VALUES),
    }
}
