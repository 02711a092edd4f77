//! What the commands of a `File` write (SAIP: offsets count from where the
//! last command stopped, across records).

use alloc::vec::Vec;

use rsp_asn1::saip::FileCommand;

/// Octets that any file of a UICC can have (ETSI TS 102 221: two octet sizes).
const MAX_FILE_SIZE: usize = 0xFFFF;

/// The fill commands lead outside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutsideFile;

/// One content command: where it writes, and what.
type Piece<'a> = (usize, &'a [u8]);

/// The pieces that are written, in order; they never overlap.
fn pieces(file: &[FileCommand]) -> Result<Vec<Piece<'_>>, OutsideFile> {
    let mut at = 0usize;
    let mut pieces = Vec::new();
    for command in file {
        match command {
            FileCommand::FillFileOffset(offset) => {
                at = usize::try_from(*offset)
                    .ok()
                    .and_then(|offset| at.checked_add(offset))
                    .filter(|at| *at <= MAX_FILE_SIZE)
                    .ok_or(OutsideFile)?;
            }
            FileCommand::FillFileContent(content) => {
                pieces.push((at, content.as_slice()));
                at += content.len();
            }
            FileCommand::DoNotCreate(_) | FileCommand::FileDescriptor(_) => {}
        }
        if at > MAX_FILE_SIZE {
            return Err(OutsideFile);
        }
    }
    Ok(pieces)
}

/// The octets of the file up to the last one written, `FF` where none is.
pub(super) fn image(file: &[FileCommand]) -> Result<Vec<u8>, OutsideFile> {
    let mut image = Vec::new();
    for (at, content) in pieces(file)? {
        image.resize(at, 0xFF);
        image.extend_from_slice(content);
    }
    Ok(image)
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
