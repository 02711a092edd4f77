//! What the commands of a `File` write (SAIP: offsets count from where the
//! last command stopped, across records).

use alloc::vec::Vec;

use rsp_asn1::saip::{Fcp, FileCommand};

/// Octets that any file of a UICC can have (ETSI TS 102 221: two octet sizes).
const MAX_FILE_SIZE: usize = 0xFFFF;

/// The fill commands lead outside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutsideFile;

/// One content command: where it writes, and what.
pub(super) type Piece<'a> = (usize, &'a [u8]);

/// The pieces that are written, in order; they never overlap.
pub(super) fn pieces(file: &[FileCommand]) -> Result<Vec<Piece<'_>>, OutsideFile> {
    let mut at = 0usize;
    let mut pieces = Vec::new();
    for command in file {
        match command {
            FileCommand::FillFileOffset(offset) => advance(&mut at, *offset)?,
            FileCommand::FillFileContent(content) => {
                pieces.push((at, content.as_slice()));
                advance(&mut at, content.len() as i64)?;
            }
            FileCommand::DoNotCreate(_) | FileCommand::FileDescriptor(_) => {}
        }
    }
    Ok(pieces)
}

/// Moves the position forward.
pub(super) fn advance(at: &mut usize, offset: i64) -> Result<(), OutsideFile> {
    let offset = usize::try_from(offset).map_err(|_| OutsideFile)?;
    let next = at.checked_add(offset);
    *at = next.filter(|at| *at <= MAX_FILE_SIZE).ok_or(OutsideFile)?;
    Ok(())
}

/// The octets of the file up to the last one written, `FF` where none is.
pub(super) fn image(file: &[FileCommand]) -> Result<Vec<u8>, OutsideFile> {
    pieces(file).map(|pieces| image_of(&pieces))
}

/// The same of pieces.
pub(super) fn image_of(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut image = Vec::new();
    for (at, content) in pieces {
        image.resize(*at, 0xFF);
        image.extend_from_slice(content);
    }
    image
}

/// The parameters of a file, if it has any.
pub(super) fn descriptor(file: &[FileCommand]) -> Option<&Fcp> {
    file.iter().find_map(|command| match command {
        FileCommand::FileDescriptor(fcp) => Some(fcp),
        _ => None,
    })
}

/// Record length of a linear fixed or cyclic file (ETSI TS 102 222 6.3.2.2.2).
pub(super) fn record_length(fcp: &Fcp) -> Option<usize> {
    let length = fcp.file_descriptor.as_deref()?.get(2..4)?;
    Some(number(length)).filter(|length| *length > 0)
}

/// A number of any length, the first octet the highest.
pub(super) fn number(octets: &[u8]) -> usize {
    octets.iter().fold(0usize, |number, octet| {
        number
            .saturating_mul(256)
            .saturating_add(usize::from(*octet))
    })
}

/// A size, in as few octets as possible.
pub(super) fn size(octets: usize) -> Vec<u8> {
    let bytes = octets.to_be_bytes();
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// Whether the file is not to be created.
pub(super) fn is_left_out(file: &[FileCommand]) -> bool {
    file.iter()
        .any(|command| matches!(command, FileCommand::DoNotCreate(_)))
}

/// Makes `value` the first octets of the file. The commands stay as they are
/// where their contents cover the value; if not, one content command replaces
/// those that write it.
pub(super) fn replace(file: &mut Vec<FileCommand>, value: &[u8]) -> Result<(), OutsideFile> {
    let covered: usize = pieces(file)?
        .iter()
        .map(|(at, content)| value.len().saturating_sub(*at).min(content.len()))
        .sum();
    if covered == value.len() {
        overwrite(file, value);
        return Ok(());
    }
    let fill = fill_commands(file, value)?;
    file.retain(|command| matches!(command, FileCommand::FileDescriptor(_)));
    file.extend(fill);
    Ok(())
}

/// Writes `value` into the content commands at its place.
fn overwrite(file: &mut [FileCommand], value: &[u8]) {
    let mut at = 0usize;
    for command in file {
        match command {
            FileCommand::FillFileOffset(offset) => {
                at = at.saturating_add(usize::try_from(*offset).unwrap_or_default());
            }
            FileCommand::FillFileContent(content) => {
                let here = value.get(at..).unwrap_or_default();
                at += content.len();
                content
                    .iter_mut()
                    .zip(here)
                    .for_each(|(to, from)| *to = *from);
            }
            FileCommand::DoNotCreate(_) | FileCommand::FileDescriptor(_) => {}
        }
    }
}

/// Commands that write `value`, and behind it what `file` writes there.
fn fill_commands(file: &[FileCommand], value: &[u8]) -> Result<Vec<FileCommand>, OutsideFile> {
    let mut fill = alloc::vec![FileCommand::FillFileContent(value.to_vec())];
    let mut end = value.len();
    for (at, content) in pieces(file)? {
        let hidden = end.saturating_sub(at);
        let rest = content.get(hidden..).unwrap_or_default();
        if rest.is_empty() {
            continue;
        }
        let start = at + hidden;
        if start > end {
            fill.push(FileCommand::FillFileOffset((start - end) as i64));
        }
        fill.push(FileCommand::FillFileContent(rest.to_vec()));
        end = start + rest.len();
    }
    Ok(fill)
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileCommand::{FillFileContent as Content, FillFileOffset as Offset};
    use alloc::vec;

    #[test]
    fn a_covered_value_keeps_the_commands() {
        let mut file = vec![Content(vec![1, 2]), Content(vec![3, 4, 5])];
        replace(&mut file, &[9, 8, 7]).unwrap();
        assert_eq!(file, [Content(vec![9, 8]), Content(vec![7, 4, 5])]);
    }

    #[test]
    fn a_value_with_gaps_becomes_one_command() {
        let mut file = vec![
            Offset(1),
            Content(vec![2]),
            Offset(1),
            Content(vec![4, 5]),
            Offset(2),
            Content(vec![8]),
        ];
        assert_eq!(image(&file).unwrap(), [255, 2, 255, 4, 5, 255, 255, 8]);
        replace(&mut file, &[9, 9, 9, 9]).unwrap();
        assert_eq!(image(&file).unwrap(), [9, 9, 9, 9, 5, 255, 255, 8]);
        assert_eq!(file.first(), Some(&Content(vec![9, 9, 9, 9])));
    }

    #[test]
    fn commands_outside_the_file_are_refused() {
        for bad in [
            vec![Offset(-1)],
            vec![Offset(i64::MAX)],
            vec![Offset(0xFFFF), Content(vec![0])],
        ] {
            assert_eq!(image(&bad), Err(OutsideFile));
            assert_eq!(replace(&mut bad.clone(), &[1]), Err(OutsideFile));
        }
    }
}
