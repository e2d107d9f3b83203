//! The picture of a QR code, as the service draws it for those who cannot.

use http::StatusCode;
use qrcode::{Color, EcLevel, QrCode};

use crate::reply::{Reply, reply};

/// Modules of white around the code.
const QUIET: usize = 4;
/// Pixels of a module.
const SCALE: usize = 6;

/// A PNG of `content`, unless that is too long for a QR code.
pub(super) fn png(content: &str) -> Option<Reply> {
    let code = QrCode::with_error_correction_level(content, EcLevel::M).ok()?;
    let modules = code.width();
    let side = (modules + 2 * QUIET) * SCALE;
    let dark = |x: usize, y: usize| {
        let (x, y) = ((x / SCALE).checked_sub(QUIET), (y / SCALE).checked_sub(QUIET));
        matches!((x, y), (Some(x), Some(y)) if x < modules && y < modules && code[(x, y)] == Color::Dark)
    };
    let pixels: Vec<u8> =
        (0..side * side).map(|at| if dark(at % side, at / side) { 0 } else { 255 }).collect();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, u32::try_from(side).ok()?, u32::try_from(side).ok()?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(reply(StatusCode::OK, "image/png", out))
}
