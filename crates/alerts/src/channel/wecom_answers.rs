//! What WeCom answers, one table for each call: a code that means a wrong secret in one call means an old token in another.
//!
//! Sources: WeCom's developer documents 90455 and 90313 (global error codes, "judge by `errcode`, never by `errmsg`"), 91770
//! (robot), 91039 (gettoken), 90236 (message/send) and 101463 (long connection). 853000 and 846609 are not in them; they
//! are what the service answers to wrong credentials and to a connection that it no longer counts as subscribed.

use super::answer::{BASE, Both, Row, Table, When};

const fn code(code: i64) -> When {
    When::Code(code)
}

const WECOM: Table = Table { service: Both("WeCom", "企业微信"), code: &["/errcode"], words: &["/errmsg"], ..BASE };

/// The group robot's `webhook/send`.
pub static ROBOT: Table = Table { rows: &[TAKEN, ROBOTS, MESSAGES, ALL], ..WECOM };
/// An application's `gettoken`.
pub static GET_TOKEN: Table = Table { rows: &[TAKEN, SECRETS, ALL], ..WECOM };
/// An application's `message/send`, with a token.
pub static SEND: Table = Table { rows: &[TAKEN, TOKENS, APPS, MESSAGES, ALL], ..WECOM };
/// A robot's `aibot_subscribe`, with its secret.
pub static SUBSCRIBE: Table = Table { rows: &[TAKEN, SUBSCRIPTIONS, ALL], ..WECOM };
/// A robot's `aibot_send_msg`, on a subscribed connection.
pub static LONG_SEND: Table = Table { rows: &[TAKEN, SUBSCRIBED, MESSAGES, ALL], ..WECOM };

const TAKEN: &[Row] = &[code(0).delivered()];

const ROBOTS: &[Row] = &[
    code(93000).never(
        "the webhook key is wrong or the robot was removed; copy the address again",
        "webhook 的 key 有误或机器人已被移除；请重新复制地址",
    ),
    code(93004).never(
        "the robot was disabled; enable it or add a new one to the group",
        "机器人已被停用；请启用，或在群里新建一个",
    ),
    code(93008).never("the robot was removed from the group; add it again", "机器人已不在群里；请重新添加"),
    code(93017).never(
        "the robot may not send this to the group; check its settings",
        "机器人无权向该群发送；请检查机器人设置",
    ),
    code(93018).never(
        "the robot may not send this to the group; check its settings",
        "机器人无权向该群发送；请检查机器人设置",
    ),
];

/// With the secret in the request, a bad credential is the user's to mend.
const SECRETS: &[Row] = &[
    code(40001).never(
        "the secret does not belong to this corp id; copy the app's secret again",
        "secret 与该企业 ID 不匹配；请重新复制应用的 Secret",
    ),
    code(40013).never(
        "the corp id is wrong; it stands under My Company in the admin console",
        "企业 ID 有误；请在管理后台「我的企业」中查看",
    ),
    code(41002).never("the corp id is missing; set `corp_id`", "缺少企业 ID；请设置 `corp_id`"),
    code(41004).never("the secret is missing; set `secret`", "缺少 secret；请设置 `secret`"),
];

/// With a cached token in the request, all of these say that the token is no longer good, whatever else they mean.
const TOKENS: &[Row] = &[
    code(40001).renew(
        "a fresh token was refused as well: another program may fetch tokens with another secret of this app; check \
         `secret` and `agent_id`",
        "新取的令牌也被拒绝：可能有别的程序用该应用的另一个 Secret 取令牌；请检查 `secret` 与 `agent_id`",
    ),
    code(40014).renew(
        "a fresh token was refused as well: check that `corp_id`, `agent_id` and `secret` are of one app",
        "新取的令牌也被拒绝：请确认 `corp_id`、`agent_id`、`secret` 属于同一个应用",
    ),
    code(41001).renew(
        "the token did not reach the service: check whether a proxy cuts the query off the address",
        "令牌没有送达服务端：请检查代理是否去掉了地址中的查询参数",
    ),
    code(42001).renew(
        "a fresh token is said to have expired: check this machine's clock, and whether other programs share the app",
        "新取的令牌被判为已过期：请检查本机时钟，以及是否有其他程序共用该应用",
    ),
];

const APPS: &[Row] = &[
    code(40003).never(
        "a user id is not known; check `to_user` and the app's visible range",
        "成员 ID 无效；请检查 `to_user` 与应用可见范围",
    ),
    code(81013).never(
        "no receiver is valid; check `to_user`, `to_party`, `to_tag` and the app's visible range",
        "没有有效的接收人；请检查 `to_user`、`to_party`、`to_tag` 与应用可见范围",
    ),
    code(40066).never("a party does not exist; check `to_party`", "部门不存在；请检查 `to_party`"),
    code(40068).never("a tag does not exist; check `to_tag`", "标签不存在；请检查 `to_tag`"),
    code(40056).never("the agent id is wrong; check `agent_id`", "应用 ID 有误；请检查 `agent_id`"),
    code(48002)
        .never("the app may not use this interface; check its permissions", "该应用无权调用此接口；请检查应用权限"),
    code(60011).never(
        "the app may not see this receiver; widen its visible range",
        "应用无权看到该接收人；请扩大应用可见范围",
    ),
    code(301_002).never(
        "the agent id does not belong to this secret; check `agent_id`",
        "应用 ID 与 secret 不匹配；请检查 `agent_id`",
    ),
];

const SUBSCRIPTIONS: &[Row] = &[
    code(40001).never(
        "the secret is wrong; copy bot id and secret of the long connection again",
        "secret 有误；请重新复制长连接的 Bot ID 与 Secret",
    ),
    code(853_000).never(
        "bot id or secret is wrong; copy both from the robot's long connection (API mode) again",
        "Bot ID 或 Secret 有误；请从机器人「API 模式 → 长连接」重新复制",
    ),
];

const SUBSCRIBED: &[Row] = &[code(846_609).renew(
    "the service no longer counts the connection as subscribed; it connects again",
    "服务端认为该连接已不再订阅；将重新连接",
)];

const MESSAGES: &[Row] = &[
    code(40008).never("this kind of message is not allowed there", "该处不允许此类消息"),
    code(40058).never(
        "the message was refused as too long or malformed; please report this",
        "消息因过长或格式不合被拒绝；请反馈此问题",
    ),
    code(44004).never("the message was empty", "消息内容为空"),
    code(45002).never("the message was refused as too long; please report this", "消息因过长被拒绝；请反馈此问题"),
    code(846_607).later(
        60,
        "too many messages in this chat (30 a minute, 1000 an hour); it is sent again in a minute",
        "该会话消息过多（每分钟 30 条、每小时 1000 条）；一分钟后重发",
    ),
];

/// What every call may answer.
const ALL: &[Row] = &[
    code(-1).later(0, "WeCom is busy; it is sent again", "企业微信繁忙；稍后自动重发"),
    code(45009).later(
        60,
        "too many calls (a robot takes 20 messages a minute, an app counts by member and day); it is sent again in a minute; \
         when it stays, send less there or merge by `cool_down`",
        "调用超过频率限制（群机器人每分钟 20 条，应用按成员与天计）；一分钟后重发；若持续出现，请减少该通道的消息或调大 \
         `cool_down`",
    ),
    code(45033).later(
        60,
        "too many calls at once; it is sent again in a minute",
        "并发调用过多；一分钟后重发",
    ),
    code(60020).never(
        "add this machine's public address{address} to the app's trusted IPs in the admin console, or use `wecom` or \
         `wecom_bot`, which need none",
        "请在管理后台把本机公网地址{address}加入该应用的「企业可信 IP」，或改用不需要它的 `wecom`、`wecom_bot`",
    ),
    When::OtherCode.never(
        "see the table of error codes in WeCom's documents (path 90313)",
        "请查企业微信文档的全局错误码（path 90313）",
    ),
];
