//! Turns default < file < environment < flags into checked plain data.
