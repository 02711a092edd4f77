//! A backup is written.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::{BackupError, BackupHeader, FORM, LAST, MARK, Mark, row};
use crate::engine::Row;
use crate::sql::Sealing;

/// Octets of rows in a block, about.
const BLOCK: usize = 1 << 20;

/// Writes blocks, one after the other.
pub(crate) struct Writer<'a> {
    out: &'a mut dyn Write,
    sealing: &'a Sealing,
    mark: Mark,
    /// Rows that are in no block yet.
    rows: Vec<u8>,
    count: u32,
    /// Of which table.
    table: u16,
    counts: Vec<u64>,
}

impl<'a> Writer<'a> {
    /// Writes what a backup begins with.
    pub(crate) fn begin(
        header: &BackupHeader,
        sealing: &'a Sealing,
        out: &'a mut dyn Write,
    ) -> Result<Self, BackupError> {
        let mut text = serde_json::to_string(header).map_err(crate::StoreError::Corrupt)?;
        text.push('\n');
        let begin = [FORM, &text].concat();
        let mut writer = Writer {
            out,
            sealing,
            mark: [0; MARK],
            rows: Vec::new(),
            count: 0,
            table: 0,
            counts: vec![0; header.tables.len()],
        };
        writer.put(begin.as_bytes())?;
        Ok(writer)
    }

    /// Writes octets and the mark over them.
    fn put(&mut self, octets: &[u8]) -> Result<(), BackupError> {
        self.mark = self.sealing.backup_mark(&self.mark, octets);
        let written = self.out.write_all(octets);
        let written = written.and_then(|()| self.out.write_all(&self.mark));
        written.map_err(BackupError::Write)
    }

    /// Another row of a table.
    pub(crate) fn row(&mut self, table: usize, row: &Row) -> Result<(), BackupError> {
        let number = u16::try_from(table).unwrap_or(u16::MAX);
        if number != self.table || self.rows.len() >= BLOCK {
            self.block()?;
        }
        self.table = number;
        row::put(row, &mut self.rows);
        self.count += 1;
        if let Some(count) = self.counts.get_mut(table) {
            *count += 1;
        }
        Ok(())
    }

    fn block(&mut self) -> Result<(), BackupError> {
        if self.count == 0 {
            return Ok(());
        }
        let mut block = vec![0; 4];
        block.extend(self.table.to_be_bytes());
        block.extend(self.count.to_be_bytes());
        let mut deflate = DeflateEncoder::new(block, Compression::fast());
        let done = deflate.write_all(&self.rows);
        let block = done.and_then(|()| deflate.finish());
        self.rows.clear();
        self.count = 0;
        self.put_block(block.map_err(BackupError::Write)?, 0)
    }

    /// A block whose first four octets are still free.
    fn put_block(&mut self, mut block: Vec<u8>, flag: u32) -> Result<(), BackupError> {
        let length = u32::try_from(block.len().saturating_sub(4)).ok();
        let length = length.filter(|length| *length < LAST).ok_or_else(|| {
            BackupError::Write(std::io::Error::other("a row is too long for a backup"))
        })?;
        if let Some(first) = block.first_chunk_mut() {
            *first = (length | flag).to_be_bytes();
        }
        self.put(&block)
    }

    /// Writes the end; gives how many rows each table had.
    pub(crate) fn end(mut self) -> Result<Vec<u64>, BackupError> {
        self.block()?;
        let mut last = vec![0; 4];
        for count in &self.counts {
            last.extend(count.to_be_bytes());
        }
        self.put_block(last, LAST)?;
        self.out.flush().map_err(BackupError::Write)?;
        Ok(self.counts)
    }
}
