//! The codes of refused writes and their texts (protocol notes, writing part, §1 and §7).

use serde_json::{Value, json};

pub(super) const NAME_EMPTY: i64 = 20_001;
pub(super) const NAME_TOO_LONG: i64 = 20_002;
pub(super) const NAME_FORBIDDEN: i64 = 20_003;
pub(super) const NAME_TAKEN: i64 = 20_004;
pub(super) const PARENT_MISSING: i64 = 20_009;
pub(super) const NOT_THERE: i64 = 20_018;
pub(super) const BAD_SUFFIX: i64 = 20_020;
pub(super) const INVALID: i64 = 20_022;
pub(super) const COPY_INTO_ITSELF: i64 = 91_002;
pub(super) const COPY_TOO_MANY: i64 = 91_004;
pub(super) const COPY_NO_SPACE: i64 = 91_005;
pub(super) const DELETED: i64 = 231_011;
pub(super) const REVERT_NO_SPACE: i64 = 300_001;
pub(super) const WRONG_KEY: i64 = 320_001;
pub(super) const TARGET_MISSING: i64 = 800_001;
pub(super) const CYCLIC: i64 = 800_006;
pub(super) const CONFIRM: i64 = 800_007;
pub(super) const BAD_PARAMETERS: i64 = 990_002;
pub(super) const SIMILAR_TASK: i64 = 990_005;
pub(super) const UNFINISHED: i64 = 990_009;
pub(super) const MOVE_RUNNING: i64 = 990_019;
pub(super) const MOVE_TOO_MANY: i64 = 990_023;

/// The text of a code; empty for one whose text is not known and not needed here.
///
/// Those of 20004, 20020, 20021, 231011 and 320001 are the service's own; the notes give only the meaning of the others.
pub(crate) fn text(code: i64) -> &'static str {
    match code {
        2 => "单个文件夹最多只能存放50000个文件",
        99 => "请重新登录",
        NAME_EMPTY => "目录名称不能为空。",
        NAME_TOO_LONG => "目录名称不能超过20个字。",
        NAME_FORBIDDEN => "目录名称不能包含 \" < > 字符。",
        NAME_TAKEN => "该目录名称已存在。",
        PARENT_MISSING => "父目录不存在。",
        20_013 | NOT_THERE | 31_003 | 50_015 | 70_005 | 70_008 | 90_008 => "文件(夹)不存在或已经删除。",
        BAD_SUFFIX | 20_021 => "后缀名不正确，请重新输入",
        INVALID => "操作无效。",
        COPY_INTO_ITSELF => "不能将文件复制到自身或其子目录下。",
        COPY_TOO_MANY => "复制的文件数量超过限制。",
        COPY_NO_SPACE => "空间不足，复制失败。",
        DELETED => "文件已删除，请勿重复操作",
        REVERT_NO_SPACE => "空间不足，还原失败。",
        WRONG_KEY => "很抱歉,安全密钥不正确",
        590_075 => "操作太频繁，请稍候再试",
        TARGET_MISSING => "目录不存在或已转移。",
        CYCLIC => "不能将目录移动到自身或其子目录下。",
        CONFIRM => "删除前请确认。",
        980_006 => "404 Not Found",
        990_001 => "登录超时，请重新登录。",
        BAD_PARAMETERS => "参数错误。",
        990_003 => "操作失败。",
        SIMILAR_TASK => "您的账号有类似任务正在处理，请稍后再试！",
        UNFINISHED => "操作尚未执行完成，请稍后再试！",
        MOVE_RUNNING => "已有移动操作正在进行，请稍后再试！",
        MOVE_TOO_MANY => "移动的文件数量超过限制。",
        _ => "",
    }
}

/// The refusal of a write, in its usual words.
pub(super) fn refusal(code: i64) -> Value {
    worded(code, text(code))
}

/// The refusal of a write in words of its own.
pub(super) fn worded(code: i64, words: &str) -> Value {
    json!({"state": false, "error": words, "errno": code, "errtype": "war"})
}

/// The refusals that come without a code.
pub(super) fn without_code(words: &str) -> Value {
    json!({"state": false, "error": words})
}
