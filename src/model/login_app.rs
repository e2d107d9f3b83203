//! The 115 apps one can sign in as.

/// A 115 app that can be signed in as by QR code. Each has a slot, which holds one login.
///
/// **Source**: protocol notes, reading part, §1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginApp {
    /// A browser.
    Web,
    /// The app for Android.
    Android,
    /// The app for iOS.
    Ios,
    /// The app for television sets.
    Tv,
    /// The mini program in Alipay.
    #[default]
    AlipayMini,
    /// The mini program in `WeChat`.
    WechatMini,
    /// The management app for Android.
    QAndroid,
}

impl LoginApp {
    /// Every app.
    pub const ALL: [Self; 7] =
        [Self::Web, Self::Android, Self::Ios, Self::Tv, Self::AlipayMini, Self::WechatMini, Self::QAndroid];

    /// Its name at 115.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Tv => "tv",
            Self::AlipayMini => "alipaymini",
            Self::WechatMini => "wechatmini",
            Self::QAndroid => "qandroid",
        }
    }

    /// Its slot: the middle part of the `UID` in its cookies.
    pub fn slot(self) -> &'static str {
        match self {
            Self::Web => "A1",
            Self::Android => "F1",
            Self::Ios => "D1",
            Self::Tv => "I1",
            Self::AlipayMini => "R2",
            Self::WechatMini => "R1",
            Self::QAndroid => "M1",
        }
    }

    /// Whether it runs inside another app. The QR codes of these are those of `web`.
    pub fn is_mini_program(self) -> bool {
        matches!(self, Self::AlipayMini | Self::WechatMini)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_apps_share_a_name_or_a_slot() {
        let names: BTreeSet<_> = LoginApp::ALL.map(LoginApp::name).into();
        let slots: BTreeSet<_> = LoginApp::ALL.map(LoginApp::slot).into();
        assert_eq!((names.len(), slots.len()), (LoginApp::ALL.len(), LoginApp::ALL.len()));
    }
}
