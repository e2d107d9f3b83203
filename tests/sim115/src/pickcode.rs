//! Pick codes: the short texts by which 115 names a file or a folder to its download calls.
//!
//! A pick code is a prefix, the id in base 36 under a substitution that belongs to the prefix, and four characters
//! that belong to the account, under the same substitution (protocol notes, reading part, §3.10).

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The four characters that belong to a user, before substitution.
pub(crate) type Point = [u8; 4];

/// Those of the first user.
pub(crate) const FIRST_POINT: Point = *b"0abc";

/// Prefix and substitution of files, then of folders.
const TABLES: [(&str, &[u8; 36]); 10] = [
    ("a", b"fuln1ytpj3smg8d5a094qh7cxkbi62zvewro"),
    ("b", b"sk721n9a0emlfpcrzbqdw3gjh6ty5xui48vo"),
    ("c", b"ywcz3hite6f1j0guoakvdb2ns7p8qr9ml5x4"),
    ("d", b"rq2vl5o7wsken9u8tp4jg3zbyc6xmhifd01a"),
    ("e", b"ljm9eqbcfhw7ktv3x1dgp5ua8y6s4znr2io0"),
    ("fa", b"fumk0ytpj3sng8d5a194qh7cxlbi62zvewro"),
    ("fb", b"sk732o9a1enmfpcrzbqdw4gjh6ty5xui08vl"),
    ("fc", b"ywcz6hite9f4j3gup2kvdb5osal0qr1nm8x7"),
    ("fd", b"on6vl0r2wpkeq9u3ts8jg7zbyc1xmhifd45a"),
    ("fe", b"ljm0es2cfhwakqv6x4dgp8r1by9u7znt5io3"),
];

/// The pick code of `id` of the user of `point`, under one of the five variants of its kind. The root (id 0) has none.
pub(crate) fn encode(id: u64, folder: bool, variant: u64, point: Point) -> String {
    if id == 0 {
        return String::new();
    }
    let row = usize::from(folder) * 5 + usize::try_from(variant % 5).unwrap_or_default();
    let (prefix, substitution) = TABLES[row];
    let mut plain = Vec::with_capacity(17);
    let mut rest = id;
    while rest > 0 {
        plain.push(ALPHABET[usize::try_from(rest % 36).unwrap_or_default()]);
        rest /= 36;
    }
    plain.reverse();
    plain.extend_from_slice(&point);
    let mut code = String::from(prefix);
    for character in plain {
        let place = substitution.iter().position(|other| *other == character).unwrap_or_default();
        code.push(char::from(ALPHABET[place]));
    }
    code
}

/// The id inside a pick code of the user of `point`, and whether it names a folder; `None` when it is no such code.
pub(crate) fn decode(code: &str, point: Point) -> Option<(u64, bool)> {
    let folder = code.starts_with('f');
    let (_, substitution) =
        TABLES.iter().find(|(prefix, _)| prefix.starts_with('f') == folder && code.starts_with(prefix))?;
    let body = code.as_bytes().get(if folder { 2 } else { 1 }..)?;
    let mut plain = Vec::with_capacity(body.len());
    for character in body {
        let place = ALPHABET.iter().position(|other| other == character)?;
        plain.push(substitution[place]);
    }
    let digits = plain.strip_suffix(&point)?;
    let text = std::str::from_utf8(digits).ok()?;
    let id = u64::from_str_radix(text, 36).ok()?;
    Some((id, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_codes_come_out_and_back() {
        let files = [
            "a82z4bk5m30arhgqn",
            "bnbz4air25c0v87he",
            "ccwgbvs0pnao6dhl2",
            "dj46ys1o7cv9uxznp",
            "e10yh25pbu8rxzn67",
        ];
        let folders = [
            "fa8pzh2k5mb0a84gqn",
            "fbnz58bir2ac0nw7he",
            "fccqnuws0zvaocrpl2",
            "fdj40qscol1vhj5znp",
            "fe10yn2dpsu8513bo7",
        ];
        for (variant, code) in (0_u64..).zip(files) {
            assert_eq!(encode(2_580_033_742_990_999_218, false, variant, FIRST_POINT), code);
            assert_eq!(decode(code, FIRST_POINT), Some((2_580_033_742_990_999_218, false)));
            assert_eq!(decode(code, *b"1abc"), None, "the code of another user");
        }
        for (variant, code) in (0_u64..).zip(folders) {
            assert_eq!(encode(2_580_033_742_990_999_219, true, variant, FIRST_POINT), code);
            assert_eq!(decode(code, FIRST_POINT), Some((2_580_033_742_990_999_219, true)));
        }
    }

    #[test]
    fn foreign_codes_are_refused() {
        for code in ["", "f", "z123", "a82z4bk5m30arhgqm", "dtctprlmfkl4exiok", "目录"] {
            assert_eq!(decode(code, FIRST_POINT), None, "{code}");
        }
    }
}
