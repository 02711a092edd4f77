//! Known answers of the algorithms, from the standards and from the exchanges
//! of remote SIM provisioning.

#[cfg(test)]
mod aka;
#[cfg(test)]
mod common;
#[cfg(test)]
mod curves;
#[cfg(test)]
mod primitives;
#[cfg(test)]
mod rsp_vectors;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod suci;
#[cfg(test)]
mod tuak;
#[cfg(test)]
mod tuak_sets;
