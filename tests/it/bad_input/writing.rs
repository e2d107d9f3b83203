//! Hostile and broken requests that would write.

use super::Process;

/// A gateway with a folder `/folder` beside `/hello.txt`.
async fn gateway() -> Process {
    let gateway = Process::start();
    gateway.check("MKCOL /folder HTTP/1.1\n", 201).await;
    gateway
}

/// Findings in `dav-server`: the root of the prefix as a destination panics, another host is ignored, and more.
#[tokio::test]
async fn destinations_that_are_none_lead_nowhere() {
    let gateway = gateway().await;
    for (destination, status) in [
        ("/", 403),
        ("http://elsewhere.example/x", 502),
        ("http://test/../x", 400),
        ("//", 400),
        ("%zz", 400),
        ("http://test/a%00b", 400),
        ("\u{1}", 400),
        ("", 400),
        ("/x\nDestination: /y", 400),
        ("/hello.txt", 403),
        ("/hello.txt/x", 409),
        ("/none/x", 409),
        ("/folder\nOverwrite: F", 412),
    ] {
        for method in ["MOVE", "COPY"] {
            gateway
                .check(format!("{method} /hello.txt HTTP/1.1\nDestination: {destination}\n"), status)
                .await;
        }
    }
    for method in ["MOVE", "COPY"] {
        gateway.check(format!("{method} /hello.txt HTTP/1.1\n"), 400).await;
        gateway.check(format!("{method} /none HTTP/1.1\nDestination: /x\n"), 404).await;
        gateway.check(format!("{method} /folder HTTP/1.1\nDestination: /folder/in/it\n"), 409).await;
        gateway.check(format!("{method} /folder HTTP/1.1\nDestination: /folder/in\n"), 409).await;
        gateway.check(format!("{method} /folder HTTP/1.1\nDestination: /x\nDepth: 1\n"), 400).await;
    }
    gateway.check("MOVE /folder HTTP/1.1\nDestination: /x\nDepth: 0\n", 400).await;
    gateway.check("PROPFIND /folder HTTP/1.1\nDepth: 0\n", 207).await;
    gateway.is_well().await;
}

#[tokio::test]
async fn writes_of_what_cannot_be_are_refused() {
    let gateway = gateway().await;
    let long = "a".repeat(256);
    for (request, status) in [
        ("PUT /hello.txt HTTP/1.1\nContent-Range: bytes 0-4/10\n\nhello".to_owned(), 400),
        ("PUT /folder HTTP/1.1\nX-Body: follows\n\nx".to_owned(), 405),
        ("PUT / HTTP/1.1\nX-Body: follows\n\nx".to_owned(), 403),
        ("PUT /hello.txt/x HTTP/1.1\nX-Body: follows\n\nx".to_owned(), 409),
        ("PUT /none/x HTTP/1.1\nX-Body: follows\n\nx".to_owned(), 409),
        (format!("PUT /{long} HTTP/1.1\nX-Body: follows\n\nx"), 403),
        (format!("MKCOL /{long} HTTP/1.1\n"), 403),
        ("MKCOL /none/x HTTP/1.1\n".to_owned(), 409),
        ("MKCOL /hello.txt/x HTTP/1.1\n".to_owned(), 409),
        ("MKCOL /folder HTTP/1.1\n".to_owned(), 405),
        ("MKCOL /x HTTP/1.1\nX-Body: follows\n\nbody".to_owned(), 415),
        ("DELETE /none HTTP/1.1\n".to_owned(), 404),
        ("UNLOCK /hello.txt HTTP/1.1\n".to_owned(), 400),
        ("UNLOCK /hello.txt HTTP/1.1\nLock-Token: <urn:x>\n".to_owned(), 409),
        ("POST /hello.txt HTTP/1.1\n".to_owned(), 405),
        ("PATCH /hello.txt HTTP/1.1\n".to_owned(), 405),
        ("BREW /pot HTTP/1.1\n".to_owned(), 501),
    ] {
        gateway.check(request, status).await;
    }
    let options = gateway.check("OPTIONS / HTTP/1.1\n", 200).await;
    assert!(options.head.contains("\r\ndav: 1"), "{}", options.head);
    gateway.is_well().await;
}

/// Finding in `dav-server`: nested XML ends the whole process.
#[tokio::test]
async fn bodies_that_are_no_xml_or_too_deep_are_refused() {
    let gateway = gateway().await;
    let deep = format!("{}{}", "<a>".repeat(2_500), "</a>".repeat(2_500));
    for method in ["LOCK", "PROPPATCH"] {
        for (body, status) in [
            (deep.as_str(), 400),
            ("no XML", 400),
            ("<a", 400),
            ("<a><b></a></b>", 400),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", 400),
            (&"x".repeat(70_000), 413),
        ] {
            gateway.check(format!("{method} /hello.txt HTTP/1.1\nX-Body: follows\n\n{body}"), status).await;
            gateway.is_well().await;
        }
    }
    // Nothing of it is locked.
    gateway.check("PUT /hello.txt HTTP/1.1\nX-Body: follows\n\nhello", 204).await;
}

#[tokio::test]
async fn conditions_that_are_broken_or_huge_are_refused() {
    let gateway = gateway().await;
    let huge = format!("({}", "<urn:uuid:0>".repeat(4_000));
    let nested = "(".repeat(10_000);
    for condition in
        ["(", "()", "<", "(<", "([", "(Not", "<http://test/x>", "((<urn:x>))", "\u{1}", &huge, &nested]
    {
        for request in [
            format!("PUT /hello.txt HTTP/1.1\nIf: {condition}\n\nother"),
            format!("DELETE /hello.txt HTTP/1.1\nIf: {condition}\n"),
        ] {
            gateway.check(&request, 400).await;
        }
    }
    gateway.is_well().await;
    assert_ne!(gateway.send("GET /hello.txt HTTP/1.1\n").await.body, b"other");
}
