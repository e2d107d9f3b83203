//! A QR code as text for a terminal, or as a picture.
//!
//! Light is drawn and dark is left as background, so that without colours it is right on a dark terminal.
//! With colours both are stated, and the terminal's own do not matter.

use anyhow::Context as _;
use qrcode::{Color, EcLevel, QrCode};

/// Light modules that belong around a code, and the fewest that readers are known to be content with.
const QUIET_ZONES: [usize; 3] = [4, 3, 2];
/// Lines below the code that must stay in sight with it: the state of the sign-in and the cursor.
const LINES_BELOW: usize = 2;
/// Pixels of a module in a picture.
const SCALE: usize = 8;
/// White and black of the colour cube, which no theme changes, unlike the sixteen named colours.
const WHITE_ON_BLACK: &str = "\u{1b}[38;5;231;48;5;16m";
const WHITE_ON_WHITE: &str = "\u{1b}[38;5;231;48;5;231m";
const BLACK_ON_BLACK: &str = "\u{1b}[38;5;16;48;5;16m";
const RESET: &str = "\u{1b}[0m";

/// How modules become characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Two, one above the other, are one character.
    HalfBlocks,
    /// One is two characters.
    Ascii,
}

/// A QR code.
pub(super) struct Drawing {
    dark: Vec<bool>,
    modules: usize,
}

/// A drawing that is as large as the window allows.
pub(super) struct Fitted {
    pub(super) text: String,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Whether all of it can be seen at once.
    pub(super) fits: bool,
}

impl Drawing {
    /// The code of `content`, as small as it can be: a screen loses no module, so little correction is enough.
    ///
    /// **Errors**: the content is longer than a QR code can hold.
    pub(super) fn new(content: &str) -> anyhow::Result<Self> {
        let code = QrCode::with_error_correction_level(content, EcLevel::L)
            .context("115 sent a text that does not fit into a QR code")?;
        let modules = code.width();
        Ok(Self { dark: code.into_colors().into_iter().map(|color| color == Color::Dark).collect(), modules })
    }

    /// As text for a window of so many columns and rows, if that is known.
    pub(super) fn text(&self, style: Style, colours: bool, window: Option<(usize, usize)>) -> Fitted {
        let (width, height) = window.unwrap_or((usize::MAX, usize::MAX));
        let fitting = |within: &dyn Fn(usize, usize) -> bool| {
            QUIET_ZONES.into_iter().find(|&quiet| {
                let (columns, rows) = self.size(style, quiet);
                within(columns, rows)
            })
        };
        let whole = fitting(&|columns, rows| columns <= width && rows.saturating_add(LINES_BELOW) <= height);
        // A code that is too tall can be scrolled to; one that is too wide is broken.
        let quiet = whole.or_else(|| fitting(&|columns, _| columns <= width)).unwrap_or(QUIET_ZONES[0]);
        let (columns, rows) = self.size(style, quiet);
        let text = match style {
            Style::HalfBlocks => self.half_blocks(colours, quiet),
            Style::Ascii => self.ascii(colours, quiet),
        };
        Fitted { text, columns, rows, fits: whole.is_some() }
    }

    /// As a PNG in shades of grey.
    pub(super) fn png(&self) -> anyhow::Result<Vec<u8>> {
        let quiet = QUIET_ZONES[0];
        let side = (self.modules + 2 * quiet) * SCALE;
        let pixels: Vec<u8> = (0..side * side)
            .map(|at| if self.is_light(at % side / SCALE, at / side / SCALE, quiet) { 255 } else { 0 })
            .collect();
        let length = u32::try_from(side)?;
        let mut picture = Vec::new();
        let mut encoder = png::Encoder::new(&mut picture, length, length);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(picture)
    }

    /// Columns and rows.
    fn size(&self, style: Style, quiet: usize) -> (usize, usize) {
        let side = self.modules + 2 * quiet;
        match style {
            Style::HalfBlocks => (side, side.div_ceil(2)),
            Style::Ascii => (2 * side, side),
        }
    }

    /// Whether the module at this place is light, counted from the corner of the quiet zone. What is outside of it is light too.
    fn is_light(&self, x: usize, y: usize, quiet: usize) -> bool {
        let inside = |at: usize| at.checked_sub(quiet).filter(|&at| at < self.modules);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => !self.dark[y * self.modules + x],
            _ => true,
        }
    }

    fn half_blocks(&self, colours: bool, quiet: usize) -> String {
        let side = self.modules + 2 * quiet;
        let mut text = String::new();
        for y in (0..side).step_by(2) {
            text.push_str(if colours { WHITE_ON_BLACK } else { "" });
            text.extend((0..side).map(|x| {
                match (self.is_light(x, y, quiet), self.is_light(x, y + 1, quiet)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            }));
            text.push_str(if colours { RESET } else { "" });
            text.push('\n');
        }
        text
    }

    fn ascii(&self, colours: bool, quiet: usize) -> String {
        let side = self.modules + 2 * quiet;
        let mut text = String::new();
        for y in 0..side {
            let mut before = None;
            for x in 0..side {
                let light = self.is_light(x, y, quiet);
                if colours && before != Some(light) {
                    text.push_str(if light { WHITE_ON_WHITE } else { BLACK_ON_BLACK });
                }
                text.push_str(if light { "##" } else { "  " });
                before = Some(light);
            }
            text.push_str(if colours { RESET } else { "" });
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as 115's are.
    const CONTENT: &str = "https://115.com/scan/dg-a1b2c3d4e5f60718293a4b5c6d7e8f9012345678";

    /// The modules of a drawing without colours: whether each is light.
    fn modules(text: &str, style: Style) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in text.lines() {
            match style {
                Style::HalfBlocks => {
                    rows.push(line.chars().map(|c| matches!(c, '█' | '▀')).collect());
                    rows.push(line.chars().map(|c| matches!(c, '█' | '▄')).collect());
                }
                Style::Ascii => rows.push(line.chars().step_by(2).map(|c| c == '#').collect()),
            }
        }
        rows
    }

    #[test]
    fn a_code_of_115_fits_into_80_by_24_with_its_whole_quiet_zone() {
        let fitted = Drawing::new(CONTENT).unwrap().text(Style::HalfBlocks, true, Some((80, 24)));
        assert!(
            fitted.fits && (fitted.columns, fitted.rows) == (41, 21),
            "{}x{}",
            fitted.columns,
            fitted.rows
        );
        assert_eq!(fitted.text.lines().count(), 21);
    }

    #[test]
    fn both_styles_show_the_same_modules_in_the_size_they_say() {
        let drawing = Drawing::new(CONTENT).unwrap();
        let [blocks, ascii] = [Style::HalfBlocks, Style::Ascii].map(|style| {
            let fitted = drawing.text(style, false, None);
            assert!(fitted.fits && fitted.text.lines().count() == fitted.rows);
            assert!(fitted.text.lines().all(|line| line.chars().count() == fitted.columns));
            modules(&fitted.text, style)
        });
        assert_eq!(blocks[..41], ascii[..]);
        let dark = ascii.iter().flatten().filter(|light| !**light).count();
        assert_eq!(dark, drawing.dark.iter().filter(|dark| **dark).count());
        for at in 0..4 {
            assert!(ascii[at].iter().chain(&ascii[40 - at]).all(|light| *light));
            assert!(ascii.iter().all(|row| row[at] && row[40 - at]));
        }
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let drawing = Drawing::new(CONTENT).unwrap();
        for style in [Style::HalfBlocks, Style::Ascii] {
            let mut coloured = drawing.text(style, true, None).text;
            for colour in [WHITE_ON_BLACK, WHITE_ON_WHITE, BLACK_ON_BLACK, RESET] {
                coloured = coloured.replace(colour, "");
            }
            assert_eq!(coloured, drawing.text(style, false, None).text);
        }
    }

    #[test]
    fn a_small_window_costs_quiet_zone_first_and_is_told_when_that_is_not_enough() {
        let drawing = Drawing::new(CONTENT).unwrap();
        let size = |style, window| {
            let fitted = drawing.text(style, false, Some(window));
            (fitted.columns, fitted.rows, fitted.fits)
        };
        assert_eq!(size(Style::HalfBlocks, (80, 22)), (39, 20, true));
        assert_eq!(size(Style::HalfBlocks, (80, 10)), (41, 21, false));
        assert_eq!(size(Style::HalfBlocks, (30, 50)), (41, 21, false));
        assert_eq!(size(Style::Ascii, (80, 24)), (78, 39, false));
        assert_eq!(size(Style::Ascii, (80, 43)), (78, 39, true));
    }

    #[test]
    fn a_picture_is_a_png_of_whole_modules() {
        let picture = Drawing::new(CONTENT).unwrap().png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (41 * 8, 41 * 8));
        assert!(pixels[..4 * 8 * 41 * 8].iter().all(|pixel| *pixel == 255));
        // The corner of the finder pattern.
        assert_eq!(pixels[4 * 8 * 41 * 8 + 4 * 8], 0);
    }
}
