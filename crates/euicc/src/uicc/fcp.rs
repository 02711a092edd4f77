//! The FCP template that SELECT and STATUS return (ETSI TS 102 221 11.1.1.3).

use alloc::vec::Vec;

use rsp_asn1::{Tag, Writer};

use super::codes::Codes;
use super::fs::{Body, File, FileId, FileSystem};

/// UICC characteristics: clock stop allowed, 1.8 V (TS 102 221 11.1.1.4.6.2).
const CHARACTERISTICS: [u8; 1] = [0x71];

/// The template of a file.
pub(super) fn template(fs: &FileSystem, codes: &Codes, id: FileId) -> Option<Vec<u8>> {
    let file = fs.get(id)?;
    let body = fs.body(id)?;
    let mut out = Writer::new();
    out.constructed(Tag::new(0x62), |out| {
        out.primitive(Tag::new(0x82), &descriptor(body));
        match fs.aid(id) {
            Some(aid) => out.primitive(Tag::new(0x84), aid),
            None => out.primitive(Tag::new(0x83), &file.fid.to_be_bytes()),
        }
        proprietary(file, body, out);
        out.primitive(Tag::new(0x8A), &[file.lcsi]);
        let [high, low] = file.rule.arr.to_be_bytes();
        out.primitive(Tag::new(0x8B), &[high, low, file.rule.record]);
        match body {
            Body::Directory { pins, .. } => {
                let status = pin_status(fs, codes, id, pins);
                out.primitive(Tag::new(0xC6), &status);
            }
            _ => ef_members(file, body, out),
        }
    });
    Some(out.into_bytes())
}

/// File descriptor (11.1.1.4.3); every file may be shared by channels.
fn descriptor(body: &Body) -> Vec<u8> {
    match body {
        Body::Directory { .. } => [0x78, 0x21].into(),
        Body::Transparent { .. } | Body::Link { .. } => [0x41, 0x21].into(),
        Body::BerTlv { .. } => [0x79, 0x21].into(),
        Body::Records {
            octets,
            length,
            cyclic,
        } => {
            let structure = if *cyclic { 0x46 } else { 0x42 };
            let records = octets.len() / usize::from(*length).max(1);
            [structure, 0x21, 0x00, *length, records as u8].into()
        }
    }
}

fn proprietary(file: &File, body: &Body, out: &mut Writer) {
    match body {
        Body::Directory { .. } => out.constructed(Tag::new(0xA5), |out| {
            out.primitive(Tag::new(0x80), &CHARACTERISTICS);
        }),
        Body::BerTlv { size, .. } => out.constructed(Tag::new(0xA5), |out| {
            out.primitive(Tag::new(0xC0), &[file.special]);
            out.primitive(Tag::new(0x84), &[0x01]);
            out.primitive(Tag::new(0x86), &size.to_be_bytes());
        }),
        _ if file.special != 0 => out.constructed(Tag::new(0xA5), |out| {
            out.primitive(Tag::new(0xC0), &[file.special]);
        }),
        _ => {}
    }
}

fn ef_members(file: &File, body: &Body, out: &mut Writer) {
    let size = match body {
        Body::Transparent { octets }
        | Body::Records { octets, .. }
        | Body::BerTlv { octets, .. } => octets.len(),
        Body::Directory { .. } | Body::Link { .. } => 0,
    };
    match u16::try_from(size) {
        Ok(size) => out.primitive(Tag::new(0x80), &size.to_be_bytes()),
        Err(_) => out.primitive(Tag::new(0x80), &(size as u32).to_be_bytes()),
    }
    match file.sfi {
        0 => out.primitive(Tag::new(0x88), &[]),
        sfi => out.primitive(Tag::new(0x88), &[sfi << 3]),
    }
}

/// PIN status template: which of the keys are enabled, one bit each from the
/// top, and their references (9.5.2).
fn pin_status(fs: &FileSystem, codes: &Codes, dir: FileId, pins: &[u8]) -> Vec<u8> {
    let mut enabled = Vec::new();
    for eight in pins.chunks(8) {
        let mut bits = 0u8;
        for (index, reference) in eight.iter().enumerate() {
            let pin = codes.find(fs, dir, *reference);
            if pin.is_some_and(|pin| pin.is_enabled()) {
                bits |= 0x80 >> index;
            }
        }
        enabled.push(bits);
    }
    let mut out = Writer::new();
    out.primitive(Tag::new(0x90), &enabled);
    for reference in pins {
        out.primitive(Tag::new(0x83), &[*reference]);
    }
    out.into_bytes()
}
