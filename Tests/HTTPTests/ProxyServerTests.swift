import Testing

@testable import HTTP

@Suite("Proxy servers")
struct ProxyServerTests {
  @Test(
    "Host, port and user are taken apart",
    arguments: [
      ("http://proxy.example:3128", "http://proxy.example:3128", nil, nil),
      ("proxy.example:3128/", "http://proxy.example:3128", nil, nil),
      ("HTTP://proxy.example", "http://proxy.example:80", nil, nil),
      ("https://proxy.example", "https://proxy.example:443", nil, nil),
      ("socks5h://ana:word@[::1]:9050", "socks5h://[::1]:9050", "ana", "word"),
      ("socks4://[::1]", "socks4://[::1]:1080", nil, nil),
      ("http://ana:p%40ss%2f%zz@h:1", "http://h:1", "ana", "p@ss/%zz"),
      ("http://ana:p@ss:w/rd@h:1", "http://h:1", "ana", "p@ss:w/rd"),
      ("ana@h:1", "http://h:1", "ana", ""), (":word@h:1", "http://h:1", "", "word"),
    ] as [(String, String, String?, String?)])
  func parts(text: String, address: String, user: String?, password: String?) throws {
    let proxy = try #require(ProxyServer(parsing: text))
    #expect(proxy.address == address && proxy.user == user && proxy.password == password)
  }

  @Test(
    "What names no host, or is no proxy of any kind, is none",
    arguments: [
      "", "http://", "ftp://h:1", "http://ana:word@", "http://h:0", "http://h:99999", "http://h:x",
      "http://h h:1", "http://h:", "http://ana:word@h:1x", "http://[::1", "http://ana:%00@h:1",
      "http://h\r\nX: y", "http://hö:1",
    ])
  func refused(text: String) {
    #expect(ProxyServer(parsing: text) == nil)
  }

  @Test("No description holds the user or the password")
  func leaks() throws {
    let proxy = try #require(ProxyServer(parsing: "http://ana:p@ss%2Fword@proxy.example:3128"))
    var shown = "\(proxy) \(String(reflecting: proxy)) \(ProxySettings(https: proxy))"
    dump(proxy, to: &shown)
    dump(ProxySettings(https: proxy), to: &shown)
    #expect(shown.contains("http://•••@proxy.example:3128"))
    for word in ["ana", "p@ss", "word"] { #expect(!shown.contains(word)) }
  }
}
