//! A small PNG writer, so that trees hold pictures that open in any viewer.

use bytes::Bytes;

/// A true-colour picture whose colours run along both sides, starting from `tint`.
///
/// The image data is stored, not compressed: a valid PNG needs no more.
pub(crate) fn gradient(width: u32, height: u32, tint: u8) -> Bytes {
    let mut rows = Vec::new();
    for y in 0..height {
        // Each row starts with its filter type; 0 is none.
        rows.push(0);
        for x in 0..width {
            rows.extend_from_slice(&[shade(x, width), shade(y, height), tint]);
        }
    }
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    // Eight bits per channel, true colour, and the only methods there are.
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &stored(&rows));
    chunk(&mut file, *b"IEND", &[]);
    Bytes::from(file)
}

fn shade(at: u32, of: u32) -> u8 {
    u8::try_from(at * 255 / of.max(1)).unwrap_or(u8::MAX)
}

/// A zlib stream of stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    stream.extend_from_slice(&(high << 16 | low).to_be_bytes());
    stream
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut body = kind.to_vec();
    body.extend_from_slice(data);
    file.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend_from_slice(&body);
    file.extend_from_slice(&crc(&body).to_be_bytes());
}

/// The CRC-32 of PNG chunks.
fn crc(data: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (value, entry) in (0_u32..).zip(table.iter_mut()) {
        *entry =
            (0..8).fold(value, |rest, _| if rest & 1 == 1 { 0xedb8_8320 ^ (rest >> 1) } else { rest >> 1 });
    }
    !data.iter().fold(u32::MAX, |rest, byte| table[(rest.to_le_bytes()[0] ^ byte) as usize] ^ (rest >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_chunk_is_the_standard_one() {
        let file = gradient(3, 2, 0);
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02"));
        assert!(file.ends_with(&[0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82]));
    }

    #[test]
    fn the_check_sum_of_stored_data_is_adler() {
        assert!(stored(b"Wikipedia").ends_with(&[0x11, 0xe6, 0x03, 0x98]));
    }
}
