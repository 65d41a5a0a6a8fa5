//! Why there is no answer, in a sentence for people: what libraries say of it is written for those who know them.

use std::error::Error;
use std::io::{self, ErrorKind};
use tmuxagent_text::Lang;

/// The kinds of causes that have a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Refused,
    Unreachable,
    Late,
    Cut,
    NoTls,
    Expired,
    NotYet,
    Issuer,
    OtherName,
    Certificate,
}

impl Kind {
    const fn told(self, lang: Lang) -> &'static str {
        match self {
            Self::Name => lang.pick("the service's name can't be resolved (DNS)", "域名解析失败（DNS）"),
            Self::Refused => {
                lang.pick("nothing takes connections there (connection refused)", "对方没有接受连接（连接被拒绝）")
            }
            Self::Unreachable => lang.pick("there is no way to it (network or host unreachable)", "网络或主机不可达"),
            Self::Late => lang.pick("no answer in time", "未在时限内应答"),
            Self::Cut => lang.pick("the connection was closed before the answer", "连接在应答之前被关闭"),
            Self::NoTls => lang.pick(
                "what answers there speaks no TLS; check `https` in the address",
                "对方应答的不是 TLS；请检查地址中的 `https`",
            ),
            Self::Expired => lang.pick("the service's certificate has expired", "服务的证书已过期"),
            Self::NotYet => lang.pick(
                "the service's certificate is not valid yet; check this machine's clock",
                "服务的证书尚未生效；请检查本机时钟",
            ),
            Self::Issuer => lang.pick(
                "the service's certificate is of an issuer that this machine does not know",
                "服务的证书由本机不认识的机构签发",
            ),
            Self::OtherName => lang.pick("the service's certificate is for another name", "服务的证书属于别的域名"),
            Self::Certificate => lang.pick("the service's certificate is not accepted", "服务的证书不被接受"),
        }
    }

    fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(tls) = error.downcast_ref() {
            return Self::of_tls(tls);
        }
        let io = error.downcast_ref::<io::Error>();
        // Of an error that is wrapped the source is what stands behind it.
        if let Some(kind) = io.and_then(io::Error::get_ref).and_then(|inner| Self::of(inner)) {
            return Some(kind);
        }
        let text = error.to_string();
        if text == "dns error" || text.contains("failed to lookup address information") {
            return Some(Self::Name);
        }
        if text.contains("connection closed before message completed") {
            return Some(Self::Cut);
        }
        match io?.kind() {
            ErrorKind::ConnectionRefused if io?.get_ref().is_none() => Some(Self::Refused),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                Some(Self::Unreachable)
            }
            ErrorKind::TimedOut => Some(Self::Late),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(Self::Cut),
            _ => None,
        }
    }

    fn of_tls(error: &rustls::Error) -> Option<Self> {
        use rustls::CertificateError as Bad;
        match error {
            rustls::Error::InvalidMessage(_) => Some(Self::NoTls),
            rustls::Error::InvalidCertificate(bad) => Some(match bad {
                Bad::Expired | Bad::ExpiredContext { .. } => Self::Expired,
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => Self::NotYet,
                Bad::UnknownIssuer => Self::Issuer,
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Self::OtherName,
                _ => Self::Certificate,
            }),
            _ => None,
        }
    }
}

/// The sentence for an error with all its causes. `connects`: there was no connection yet.
pub(crate) fn sentence(error: &(dyn Error + 'static), connects: bool, lang: Lang) -> String {
    let mut causes = vec![error];
    let mut next = error.source();
    while let Some(inner) = next {
        causes.push(inner);
        next = inner.source();
    }
    // What lies deepest knows best.
    let told = match causes.iter().rev().find_map(|cause| Kind::of(*cause)) {
        Some(kind) => kind.told(lang).to_owned(),
        None => {
            // The first two are the library's own words for "can't connect".
            let words = causes.iter().skip(if connects { 2.min(causes.len() - 1) } else { 0 });
            words.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
    };
    match (connects, lang) {
        (false, _) => told,
        (true, Lang::En) => format!("can't connect: {told}"),
        (true, Lang::Zh) => format!("无法连接：{told}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertificateError, InvalidMessage};

    /// An error with another behind it.
    #[derive(Debug)]
    struct Behind(&'static str, Box<dyn Error + 'static>);

    impl std::fmt::Display for Behind {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(self.0)
        }
    }

    impl Error for Behind {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self.1.as_ref())
        }
    }

    #[test]
    fn each_kind_has_one_sentence_in_either_language() {
        let tls = |error: rustls::Error| io::Error::new(ErrorKind::InvalidData, error);
        let certificate = |bad| tls(rustls::Error::InvalidCertificate(bad));
        for (cause, en, zh) in [
            (
                io::Error::from_raw_os_error(111),
                "nothing takes connections there (connection refused)",
                "对方没有接受连接（连接被拒绝）",
            ),
            (
                io::Error::from_raw_os_error(113),
                "there is no way to it (network or host unreachable)",
                "网络或主机不可达",
            ),
            (io::Error::from_raw_os_error(110), "no answer in time", "未在时限内应答"),
            (io::Error::from_raw_os_error(104), "the connection was closed before the answer", "连接在应答之前被关闭"),
            (
                io::Error::other("failed to lookup address information: Name or service not known"),
                "the service's name can't be resolved (DNS)",
                "域名解析失败（DNS）",
            ),
            (
                tls(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)),
                "what answers there speaks no TLS; check `https` in the address",
                "对方应答的不是 TLS；请检查地址中的 `https`",
            ),
            (certificate(CertificateError::Expired), "the service's certificate has expired", "服务的证书已过期"),
            (
                certificate(CertificateError::UnknownIssuer),
                "the service's certificate is of an issuer that this machine does not know",
                "服务的证书由本机不认识的机构签发",
            ),
            (
                certificate(CertificateError::NotValidForName),
                "the service's certificate is for another name",
                "服务的证书属于别的域名",
            ),
            (certificate(CertificateError::Revoked), "the service's certificate is not accepted", "服务的证书不被接受"),
            (io::Error::other("SOCKS error"), "tcp connect error: SOCKS error", "tcp connect error: SOCKS error"),
        ] {
            let told = format!("{cause:?}");
            let inner = Behind("client error (Connect)", Box::new(Behind("tcp connect error", Box::new(cause))));
            let error = Behind("error sending request", Box::new(inner));
            assert_eq!(sentence(&error, true, Lang::En), format!("can't connect: {en}"), "{told}");
            assert_eq!(sentence(&error, true, Lang::Zh), format!("无法连接：{zh}"), "{told}");
        }
        let alone = io::Error::other("odd");
        assert_eq!(sentence(&alone, true, Lang::Zh), "无法连接：odd");
        let cut = Behind("error sending request", Box::new(io::Error::from(ErrorKind::UnexpectedEof)));
        assert_eq!(sentence(&cut, false, Lang::Zh), "连接在应答之前被关闭");
    }
}
