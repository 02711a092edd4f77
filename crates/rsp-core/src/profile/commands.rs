//! Files that file management commands create: packages from before the
//! templates of DF.5GS and DF.SAIP have these directories so.

use alloc::vec::Vec;
use core::ptr;

use rsp_asn1::saip::{Fcp, FileManagementCommand, ProfileElement};

use super::ProfileError;
use super::catalogue::{Shape, Template, fid};
use super::contents::{number, size};
use super::element::ElementName;
use super::tree::{Node, Path, tree};

/// A file of a USIM, by the kind of the element that would have it.
#[derive(Clone, Copy)]
pub(super) struct CommandFile {
    /// Index of the USIM's element.
    pub(super) usim: usize,
    pub(super) place: &'static str,
    pub(super) fid: u16,
}

/// Where the command stands that creates a file.
struct Created {
    element: usize,
    group: usize,
    command: usize,
}

/// The directory that an element of this kind creates.
fn directory(place: &str) -> Option<u16> {
    match place {
        "df-5gs" => Some(fid::DF_5GS),
        "df-saip" => Some(fid::DF_SAIP),
        _ => None,
    }
}

/// Whether commands create the directory in a USIM that an element of this
/// kind would: a second one would not be installed.
pub(super) fn create(elements: &[ProfileElement], usim: usize, place: &str) -> bool {
    let directory = directory(place).and_then(|directory| {
        let nodes = tree(elements);
        let path = in_application(&nodes, usim, &[directory])?;
        created(elements, &nodes, &path)
    });
    directory.is_some()
}

/// Makes these octets the contents of a transparent file that commands create,
/// and the file large enough, or exactly as large; `false` if commands do not
/// create its directory.
///
/// # Errors
/// If the directory lacks the file, or it is a link or not transparent.
pub(super) fn write(
    elements: &mut [ProfileElement],
    file: CommandFile,
    octets: &[u8],
    exactly: bool,
) -> Result<bool, ProfileError> {
    let row = Template::of_kind(file.place).and_then(|template| template.member(file.fid));
    let (Some(directory), Some((_, row))) = (directory(file.place), row) else {
        return Ok(false);
    };
    let nodes = tree(elements);
    let above = in_application(&nodes, file.usim, &[directory]);
    let Some(above) = above.and_then(|path| created(elements, &nodes, &path)) else {
        return Ok(false);
    };
    let path = in_application(&nodes, file.usim, &[directory, file.fid]);
    let found = path.and_then(|path| created(elements, &nodes, &path));
    let element = found.as_ref().map_or(above.element, |found| found.element);
    let element = elements.get(element).map(ElementName::of);
    let element = element.ok_or(ProfileError::Missing("the element of a file"))?;
    let problem = |problem| ProfileError::File {
        element,
        file: row.name,
        problem,
    };
    let found = found.ok_or_else(|| problem(MISSING))?;
    let commands = group(elements, &found).ok_or_else(|| problem(MISSING))?;
    let Some(FileManagementCommand::CreateFcp(fcp)) = commands.get_mut(found.command) else {
        return Err(problem(MISSING));
    };
    if fcp.link_path.as_ref().is_some_and(|path| !path.is_empty()) {
        return Err(problem("is a link to another file"));
    }
    if !matches!(row.shape, Shape::Transparent(_)) {
        return Err(problem("is not transparent"));
    }
    let contents = resized(fcp, octets, exactly);
    let after = found.command + 1;
    let filled = commands.iter().skip(after).take_while(|command| {
        matches!(
            command,
            FileManagementCommand::FillFileOffset(_) | FileManagementCommand::FillFileContent(_)
        )
    });
    let end = after + filled.count();
    let fill = FileManagementCommand::FillFileContent(contents);
    commands.splice(after..end, [fill]);
    Ok(true)
}

const MISSING: &str = "is not among the files that commands create in its directory; take a \
                       package with it, or with an element for the directory";

/// Gives the file its new size, and what it then holds.
fn resized(fcp: &mut Fcp, octets: &[u8], exactly: bool) -> Vec<u8> {
    let old = fcp.ef_file_size.as_deref().map_or(0, number);
    let new = match exactly {
        true => octets.len(),
        false => octets.len().max(old),
    };
    if new != old {
        fcp.ef_file_size = Some(size(new));
    }
    let mut contents = octets.to_vec();
    contents.resize(new, 0xFF);
    contents
}

/// The path of something in the application of a USIM.
fn in_application(nodes: &[Node<'_>], usim: usize, below: &[u16]) -> Option<Path> {
    let is_adf = |node: &&Node<'_>| node.element == usim && node.shape == Shape::Application;
    let adf = nodes.iter().find(is_adf)?;
    Some([adf.path.as_slice(), below].concat())
}

/// The command that creates the file of this path, if one does.
fn created(elements: &[ProfileElement], nodes: &[Node<'_>], path: &Path) -> Option<Created> {
    let node = nodes.iter().find(|node| node.path == *path)?;
    let ProfileElement::GenericFileManagement(gfm) = elements.get(node.element)? else {
        return None;
    };
    let wanted = node.fcp?;
    let creates = |command: &FileManagementCommand| match command {
        FileManagementCommand::CreateFcp(fcp) => ptr::eq::<Fcp>(fcp, wanted),
        _ => false,
    };
    let mut groups = gfm.file_management_cmd.iter().enumerate();
    groups.find_map(|(group, commands)| {
        let command = commands.iter().position(creates)?;
        let element = node.element;
        Some(Created {
            element,
            group,
            command,
        })
    })
}

fn group<'a>(
    elements: &'a mut [ProfileElement],
    found: &Created,
) -> Option<&'a mut Vec<FileManagementCommand>> {
    match elements.get_mut(found.element)? {
        ProfileElement::GenericFileManagement(gfm) => gfm.file_management_cmd.get_mut(found.group),
        _ => None,
    }
}
