//! SELECT and STATUS (ETSI TS 102 221 11.1.1, 11.1.2).

use alloc::vec::Vec;

use rsp_asn1::{Tag, Writer};

use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::fcp;
use super::super::fs::{FileId, MF, MF_FID};

/// Identifier of the ADF of the active application (8.3).
const CURRENT_ADF: u16 = 0x7FFF;

/// P2 bits that say whether data are returned.
const NO_DATA: u8 = 0x0C;

impl Uicc {
    /// SELECT.
    pub(super) fn select(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        if command.p2 & 0x90 != 0 {
            return Err(Sw::WRONG_P1_P2);
        }
        let dir = self.current_dir(number);
        let id = match (command.p1, command.data) {
            (0x00, []) => MF,
            (0x00, data) => self.by_fid(number, fid(data)?)?,
            (0x01, data) => self.child_directory(dir, fid(data)?)?,
            (0x03, _) => self.parent_directory(dir)?,
            (0x04, aid) => return self.select_application(number, command, aid),
            (0x08, path) => self.by_path(number, MF, path)?,
            (0x09, path) => self.by_path(number, dir, path)?,
            _ => return Err(Sw::WRONG_P1_P2),
        };
        self.make_current(number, id);
        self.selected(command, id)
    }

    /// STATUS.
    pub(super) fn status(&mut self, number: u8, command: &Command<'_>) -> Result<Reply, Sw> {
        if command.p1 > 2 {
            return Err(Sw::WRONG_P1_P2);
        }
        let dir = self.current_dir(number);
        match command.p2 {
            0x00 => {
                let template = self.template(dir)?;
                command.answer(&template)
            }
            0x01 => {
                let application = self.channel(number).and_then(|c| c.application);
                let aid = application.and_then(|adf| self.fs.aid(adf));
                let mut out = Writer::new();
                out.primitive(Tag::new(0x84), aid.ok_or(Sw::CONDITIONS)?);
                command.answer(&out.into_bytes())
            }
            NO_DATA => Ok(Reply::Done),
            _ => Err(Sw::WRONG_P1_P2),
        }
    }

    /// Selection by AID or the first octets of one.
    fn select_application(
        &mut self,
        number: u8,
        command: &Command<'_>,
        aid: &[u8],
    ) -> Result<Reply, Sw> {
        if aid.is_empty() || aid.len() > 16 {
            return Err(Sw::WRONG_DATA);
        }
        let matches: Vec<FileId> = self
            .fs
            .iter()
            .map(|(id, _)| id)
            .filter(|id| self.fs.aid(*id).is_some_and(|own| own.starts_with(aid)))
            .collect();
        let active = self.channel(number).and_then(|c| c.application);
        let at = active.and_then(|adf| matches.iter().position(|id| *id == adf));
        let found = match command.p2 & 0x03 {
            0x00 => matches.first(),
            0x01 => matches.last(),
            0x02 => matches.get(at.map_or(0, |at| at + 1)),
            _ => match at {
                Some(at) => at.checked_sub(1).and_then(|at| matches.get(at)),
                None => matches.last(),
            },
        };
        let adf = *found.ok_or_else(|| self.no_application(aid))?;
        if command.p2 & 0x40 != 0 {
            return self.terminate(number, adf);
        }
        self.make_current(number, adf);
        self.selected(command, adf)
    }

    /// Why nothing with this AID can be selected: an applet is there and does
    /// not run, or there is nothing.
    fn no_application(&self, aid: &[u8]) -> Sw {
        let mut applets = self.applets.iter();
        match applets.any(|applet| applet.0.starts_with(aid)) {
            true => Sw::APPLET_SELECT_FAILED,
            false => Sw::FILE_NOT_FOUND,
        }
    }

    /// Ends the session of an application (11.1.1.2): the channel is at the
    /// MF again.
    fn terminate(&mut self, number: u8, adf: FileId) -> Result<Reply, Sw> {
        let channel = self.channel_mut(number).ok_or(Sw::CHANNEL_NOT_SUPPORTED)?;
        if channel.application == Some(adf) {
            *channel = super::Channel {
                domain: channel.domain,
                ..Default::default()
            };
        }
        Ok(Reply::Done)
    }

    fn make_current(&mut self, number: u8, id: FileId) {
        if !self.fs.is_directory(id) {
            let parent = self.fs.parent(id);
            self.enter(number, parent);
            self.set_current_ef(number, id);
            return;
        }
        self.enter(number, id);
    }

    fn enter(&mut self, number: u8, dir: FileId) {
        let is_adf = self.fs.aid(dir).is_some();
        if let Some(channel) = self.channel_mut(number) {
            channel.dir = dir;
            channel.ef = None;
            channel.record = 0;
            if is_adf {
                channel.application = Some(dir);
            }
        }
    }

    fn selected(&self, command: &Command<'_>, id: FileId) -> Result<Reply, Sw> {
        match command.p2 & NO_DATA {
            0x00 | 0x04 => self.template(id).map(Reply::Response),
            NO_DATA => Ok(Reply::Done),
            _ => Err(Sw::WRONG_P1_P2),
        }
    }

    fn template(&self, id: FileId) -> Result<Vec<u8>, Sw> {
        fcp::template(&self.fs, &self.codes, id).ok_or(Sw::FILE_NOT_FOUND)
    }

    /// The files that may be selected by identifier from the current directory
    /// (8.4.1): those in it, itself, the one above, directories next to it.
    fn by_fid(&self, number: u8, fid: u16) -> Result<FileId, Sw> {
        let dir = self.current_dir(number);
        if let Some(id) = self.reserved(number, fid)? {
            return Ok(id);
        }
        let parent = self.fs.parent(dir);
        let is_named = |id: &FileId| {
            let named = self.fs.get(*id).is_some_and(|file| file.fid == fid);
            named && self.fs.aid(*id).is_none()
        };
        self.child(dir, fid)
            .or_else(|| [dir, parent].into_iter().find(is_named))
            .or_else(|| {
                let sibling = self.child(parent, fid);
                sibling.filter(|id| self.fs.is_directory(*id))
            })
            .ok_or(Sw::FILE_NOT_FOUND)
    }

    fn reserved(&self, number: u8, fid: u16) -> Result<Option<FileId>, Sw> {
        let application = self.channel(number).and_then(|c| c.application);
        match fid {
            MF_FID => Ok(Some(MF)),
            CURRENT_ADF => application.map(Some).ok_or(Sw::FILE_NOT_FOUND),
            _ => Ok(None),
        }
    }

    /// A file in a directory; ADFs have no identifier for the terminal.
    fn child(&self, dir: FileId, fid: u16) -> Option<FileId> {
        let found = self.fs.child(dir, fid);
        found.filter(|id| self.fs.aid(*id).is_none())
    }

    fn child_directory(&self, dir: FileId, fid: u16) -> Result<FileId, Sw> {
        let found = self.child(dir, fid);
        let found = found.filter(|id| self.fs.is_directory(*id));
        found.ok_or(Sw::FILE_NOT_FOUND)
    }

    fn parent_directory(&self, dir: FileId) -> Result<FileId, Sw> {
        match dir {
            MF => Err(Sw::FILE_NOT_FOUND),
            dir => Ok(self.fs.parent(dir)),
        }
    }

    /// A path from `from`; from the MF it may begin with the current ADF.
    fn by_path(&self, number: u8, from: FileId, path: &[u8]) -> Result<FileId, Sw> {
        if path.is_empty() || !path.len().is_multiple_of(2) {
            return Err(Sw::WRONG_LENGTH);
        }
        let mut at = from;
        for (index, step) in path.chunks_exact(2).enumerate() {
            let fid = fid(step)?;
            at = match self.reserved(number, fid)? {
                Some(id) if index == 0 && from == MF => id,
                _ => self.child(at, fid).ok_or(Sw::FILE_NOT_FOUND)?,
            };
        }
        Ok(at)
    }
}

fn fid(data: &[u8]) -> Result<u16, Sw> {
    let octets = <[u8; 2]>::try_from(data).map_err(|_| Sw::WRONG_LENGTH)?;
    Ok(u16::from_be_bytes(octets))
}
