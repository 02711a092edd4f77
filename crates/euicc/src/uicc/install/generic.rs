//! Generic file management (SAIP 8.3.5).

use rsp_asn1::saip::{Fcp, FileManagementCommand, GenericFileManagement};

use super::super::fs::{FileId, MF};
use super::super::template::{Entry, Fill, Shape};
use super::build::Build;
use super::fault::Fault;
use super::files::{self, Cursor};

/// What is selected while commands are worked off.
struct Selection {
    dir: FileId,
    ef: Option<Cursor>,
}

impl Build {
    /// Works off the commands of an element, list by list, each from the MF.
    pub(super) fn generic(&mut self, pe: &GenericFileManagement) -> Result<(), Fault> {
        for commands in &pe.file_management_cmd {
            let mut selection = Selection { dir: MF, ef: None };
            for command in commands {
                self.command(&mut selection, command)?;
            }
        }
        Ok(())
    }

    fn command(
        &mut self,
        selection: &mut Selection,
        command: &FileManagementCommand,
    ) -> Result<(), Fault> {
        match command {
            FileManagementCommand::FilePath(path) => self.choose(selection, path),
            FileManagementCommand::CreateFcp(fcp) => self.create(selection, fcp),
            FileManagementCommand::FillFileOffset(octets) => {
                let cursor = selection.ef.as_mut().ok_or(Fault::BAD_VALUES)?;
                cursor.skip(*octets)
            }
            FileManagementCommand::FillFileContent(octets) => {
                let cursor = selection.ef.as_mut().ok_or(Fault::BAD_VALUES)?;
                self.write(cursor, octets)
            }
        }
    }

    fn choose(&mut self, selection: &mut Selection, path: &[u8]) -> Result<(), Fault> {
        let id = self.path(path).ok_or(Fault::BAD_VALUES)?;
        *selection = match self.fs.is_directory(id) {
            true => Selection { dir: id, ef: None },
            false => Selection {
                dir: self.fs.parent(id),
                ef: Some(Cursor { file: id, at: 0 }),
            },
        };
        Ok(())
    }

    /// Creates a file in the current directory and selects it.
    fn create(&mut self, selection: &mut Selection, fcp: &Fcp) -> Result<(), Fault> {
        let fid = u16::from_be_bytes(fcp.file_id.ok_or(Fault::BAD_VALUES)?);
        fcp.file_descriptor.as_ref().ok_or(Fault::BAD_VALUES)?;
        let mut entry = Entry {
            fid,
            shape: Shape::Transparent(0),
            rule: 0,
            sfi: derived_sfi(fid),
            fill: Fill::Pad(0xFF),
        };
        entry.shape = files::shape(&entry, Some(fcp))?;
        let parent = self.fs.resolve(selection.dir);
        if entry.shape == Shape::Directory {
            if fcp.df_name.is_some() {
                entry.shape = Shape::Application;
            }
            selection.dir = self.create_directory(parent, &entry, Some(fcp))?;
            selection.ef = None;
        } else {
            selection.ef = Some(self.create_ef(parent, &entry, Some(fcp))?);
        }
        Ok(())
    }
}

/// The short identifier that follows from a file identifier: its last five
/// bits (ETSI TS 102 221 8.2.1); 0 and 31 are none.
fn derived_sfi(fid: u16) -> u8 {
    match (fid & 0x1F) as u8 {
        31 => 0,
        sfi => sfi,
    }
}
