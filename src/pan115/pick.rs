//! The id inside a pick code, which 115 does not say where it says the code.
//!
//! **Source**: protocol notes, reading part, §3.10.

use crate::model::FileId;

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The last characters belong to the account.
const SUFFIX: usize = 4;

/// First characters and substitutions of files' codes.
const TABLES: [(u8, &[u8; 36]); 5] = [
    (b'a', b"fuln1ytpj3smg8d5a094qh7cxkbi62zvewro"),
    (b'b', b"sk721n9a0emlfpcrzbqdw3gjh6ty5xui48vo"),
    (b'c', b"ywcz3hite6f1j0guoakvdb2ns7p8qr9ml5x4"),
    (b'd', b"rq2vl5o7wsken9u8tp4jg3zbyc6xmhifd01a"),
    (b'e', b"ljm9eqbcfhw7ktv3x1dgp5ua8y6s4znr2io0"),
];

/// The id of the file with this pick code, or `None` if it is made otherwise.
pub fn file_id(pick_code: &str) -> Option<FileId> {
    let (first, rest) = pick_code.as_bytes().split_first()?;
    let (_, substitution) = TABLES.iter().find(|(letter, _)| letter == first)?;
    let plain: Option<Vec<u8>> = rest
        .iter()
        .map(|letter| ALPHABET.iter().position(|other| other == letter).map(|at| substitution[at]))
        .collect();
    let plain = plain?;
    let (digits, suffix) = plain.split_at_checked(plain.len().checked_sub(SUFFIX)?)?;
    // Codes of uploads that have only begun look alike and are something else.
    if suffix.first() != Some(&b'0') || digits.first().is_none_or(|digit| *digit == b'0') {
        return None;
    }
    let id = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 36).ok()?;
    (id != 0).then_some(FileId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_codes_have_the_known_ids() {
        for code in [
            "a82z4bk5m30arhgqn",
            "bnbz4air25c0v87he",
            "ccwgbvs0pnao6dhl2",
            "dj46ys1o7cv9uxznp",
            "e10yh25pbu8rxzn67",
        ] {
            assert_eq!(file_id(code), Some(FileId(2_580_033_742_990_999_218)), "{code}");
        }
        assert_eq!(file_id("dtctprlmfkl4exiok"), Some(FileId(2_323_423_576_700_508_738)));
    }

    #[test]
    fn what_is_no_code_of_a_file_has_none() {
        for code in
            ["", "a", "ahg", "fa8pzh2k5mb0a84gqn", "6a4953ee0de1972b7779ee44", "a目录", "ec1d0m4y9x0Z"]
        {
            assert_eq!(file_id(code), None, "{code}");
        }
    }
}
