//! Which endpoint a call is for, and what the ledger, faults and latencies name it.

use http::Method;

use super::upload::UploadCall;
use crate::call::{Call, Host};
use crate::oss::OssCall;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Files,
    Natsort,
    Getid,
    GetPathId,
    GetInfo,
    Category,
    IndexInfo,
    Order,
    Downurl,
    Download,
    ShareSnap,
    ShareSnapApp,
    ShareDownurl,
    ShareDownurlWindows,
    ShareDownurlWeb,
    ShareSkipLoginDownurl,
    ShareSkipLoginDownurlApp,
    ShareIsSkipLogin,
    ShareDownlist,
    ShareDownlistApp,
    ShareReceive,
    Add,
    MakePath,
    BatchRename,
    Edit,
    Move,
    MoveProgress,
    Copy,
    RbDelete,
    RbList,
    RbRevert,
    RbClean,
    RbSecretDel,
    Upload(UploadCall),
    Oss(OssCall),
    LoginToken,
    LoginImage,
    LoginStatus,
    LoginRedeem,
    Cdn,
    Unknown,
}

impl Endpoint {
    /// The endpoint of a call.
    pub(crate) fn of(call: &Call) -> Self {
        let posted = call.method == Method::POST;
        let path = call.path.trim_end_matches('/');
        if let Some(asked) = UploadCall::of(call.host, path, posted) {
            return Self::Upload(asked);
        }
        match call.host {
            Host::Cdn => Self::Cdn,
            Host::Webapi if path == "/files/get_path_id" && call.number("is_create", 0) == 1 => {
                Self::MakePath
            }
            Host::Oss => Self::Oss(OssCall::of(call)),
            Host::Webapi => Self::of_webapi(path, posted),
            Host::Aps if path == "/natsort/files.php" => Self::Natsort,
            Host::Proapi => Self::of_proapi(path, posted),
            Host::Qrcodeapi | Host::Passportapi => Self::of_login(call.host, path, posted),
            Host::Aps | Host::Uplb | Host::Other => Self::Unknown,
        }
    }

    fn of_webapi(path: &str, posted: bool) -> Self {
        match path {
            "/files" => Self::Files,
            "/files/getid" => Self::Getid,
            "/files/get_path_id" => Self::GetPathId,
            "/files/get_info" => Self::GetInfo,
            "/category/get" => Self::Category,
            "/files/index_info" => Self::IndexInfo,
            "/files/order" if posted => Self::Order,
            "/files/download" if !posted => Self::Download,
            "/files/add" if posted => Self::Add,
            "/files/batch_rename" if posted => Self::BatchRename,
            "/files/edit" if posted => Self::Edit,
            "/files/move" if posted => Self::Move,
            "/files/move_progress" if !posted => Self::MoveProgress,
            "/files/copy" if posted => Self::Copy,
            "/rb/delete" if posted => Self::RbDelete,
            "/rb" if !posted => Self::RbList,
            "/rb/revert" if posted => Self::RbRevert,
            "/rb/clean" if posted => Self::RbClean,
            "/rb/secret_del" if posted => Self::RbSecretDel,
            "/share/snap" if !posted => Self::ShareSnap,
            "/share/downurl" if !posted => Self::ShareDownurlWeb,
            "/share/skip_login_downurl" if posted => Self::ShareSkipLoginDownurl,
            "/share/is_skip_login" if posted => Self::ShareIsSkipLogin,
            "/share/downlist" if !posted => Self::ShareDownlist,
            "/share/receive" if posted => Self::ShareReceive,
            _ => Self::Unknown,
        }
    }

    fn of_proapi(path: &str, posted: bool) -> Self {
        match path {
            "/app/chrome/downurl" if posted => Self::Downurl,
            "/app/share/downurl" if posted => Self::ShareDownurl,
            "/os_windows/2.0/share/downurl" if !posted => Self::ShareDownurlWindows,
            "/app/share/skip_login_downurl" if posted => Self::ShareSkipLoginDownurlApp,
            "/app/share/downlist" | "/os_windows/2.0/share/downlist" if !posted => Self::ShareDownlistApp,
            // The first part names the application, whichever it is.
            _ => match path.trim_start_matches('/').split_once('/') {
                Some((_, "2.0/share/snap")) if !posted => Self::ShareSnapApp,
                Some((_, "2.0/share/receive")) if posted => Self::ShareReceive,
                _ => Self::Unknown,
            },
        }
    }

    /// The names of applications in the path are looked at later.
    fn of_login(host: Host, path: &str, posted: bool) -> Self {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (host, &*parts) {
            (Host::Qrcodeapi, ["api", "1.0", _, "1.0", "token"]) if !posted => Self::LoginToken,
            (Host::Qrcodeapi, ["api", "1.0", _, "1.0", "qrcode"]) if !posted => Self::LoginImage,
            (Host::Qrcodeapi, ["get", "status"]) if !posted => Self::LoginStatus,
            (_, ["app", "1.0", _, "1.0", "login", "qrcode"]) if posted => Self::LoginRedeem,
            _ => Self::Unknown,
        }
    }

    /// The name the ledger, faults and latencies know it by.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Natsort => "natsort",
            Self::Getid => "getid",
            Self::GetPathId => "get_path_id",
            Self::GetInfo => "get_info",
            Self::Category => "category",
            Self::IndexInfo => "index_info",
            Self::Order => "order",
            Self::Downurl => "downurl",
            Self::Download => "download",
            Self::ShareSnap => "share_snap",
            Self::ShareSnapApp => "share_snap_app",
            Self::ShareDownurl => "share_downurl",
            Self::ShareDownurlWindows => "share_downurl_windows",
            Self::ShareDownurlWeb => "share_downurl_web",
            Self::ShareSkipLoginDownurl => "share_skip_login_downurl",
            Self::ShareSkipLoginDownurlApp => "share_skip_login_downurl_app",
            Self::ShareIsSkipLogin => "share_is_skip_login",
            Self::ShareDownlist => "share_downlist",
            Self::ShareDownlistApp => "share_downlist_app",
            Self::ShareReceive => "share_receive",
            Self::Add => "add",
            Self::MakePath => "make_path",
            Self::BatchRename => "batch_rename",
            Self::Edit => "edit",
            Self::Move => "move",
            Self::MoveProgress => "move_progress",
            Self::Copy => "copy",
            Self::RbDelete => "rb_delete",
            Self::RbList => "rb_list",
            Self::RbRevert => "rb_revert",
            Self::RbClean => "rb_clean",
            Self::RbSecretDel => "rb_secret_del",
            Self::Upload(asked) => asked.label(),
            Self::Oss(asked) => asked.label(),
            Self::LoginToken => "login_token",
            Self::LoginImage => "login_image",
            Self::LoginStatus => "login_status",
            Self::LoginRedeem => "login_redeem",
            Self::Cdn => "cdn",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is a call about a share, and so blocked together with the other share calls of its address.
    pub(crate) fn is_of_shares(self) -> bool {
        self.label().starts_with("share_")
    }

    /// Whether it is a call that writes names, or one that asks what became of that.
    pub(crate) fn is_of_names(self) -> bool {
        matches!(
            self,
            Self::Add
                | Self::MakePath
                | Self::BatchRename
                | Self::Edit
                | Self::Move
                | Self::MoveProgress
                | Self::Copy
                | Self::RbDelete
                | Self::RbList
                | Self::RbRevert
                | Self::RbClean
                | Self::RbSecretDel
        )
    }

    /// Whether it is a call to the object store.
    pub(crate) fn is_of_oss(self) -> bool {
        matches!(self, Self::Oss(_))
    }

    /// Whether it is answered to those only who are logged in (protocol notes, reading part, §5.5).
    pub(crate) fn needs_login(self) -> bool {
        if let Self::Upload(asked) = self {
            return asked.needs_login();
        }
        !matches!(
            self,
            Self::ShareSnap
                | Self::ShareSkipLoginDownurl
                | Self::ShareSkipLoginDownurlApp
                | Self::ShareIsSkipLogin
                | Self::ShareDownlist
                | Self::LoginToken
                | Self::LoginImage
                | Self::LoginStatus
                | Self::LoginRedeem
        )
    }

    /// Whether the request is encrypted.
    pub(crate) fn is_sealed(self) -> bool {
        matches!(self, Self::Downurl | Self::ShareDownurl | Self::ShareSkipLoginDownurlApp)
    }
}
