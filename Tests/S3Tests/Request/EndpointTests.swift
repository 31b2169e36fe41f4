import Testing

@testable import S3

@Suite("Endpoint")
struct EndpointTests {
  @Test(
    "What people type is understood",
    arguments: [
      ("http://127.0.0.1:8333", "http://127.0.0.1:8333"),
      ("https://minio.example.net/", "https://minio.example.net"),
      ("https://MINIO.example.net:443", "https://minio.example.net"),
      ("http://localhost:80", "http://localhost"), ("s3.example.net", "https://s3.example.net"),
      ("localhost:9000", "https://localhost:9000"), ("http://[::1]:9000", "http://[::1]:9000"),
      ("HTTP://host", "http://host"),
    ])
  func parse(_ text: String, description: String) throws {
    let endpoint = try Endpoint(parsing: text)
    #expect(endpoint.description == description)
    #expect(endpoint.isPathStyle)
  }

  @Test(
    "What is none says why",
    arguments: [
      ("", .empty), ("ftp://host", .scheme("ftp")), ("http://", .host), ("http://:80", .host),
      ("http://ho st", .host), ("http://[::1", .host), ("http://host:", .port("")),
      ("http://host:0", .port("0")), ("http://host:65536", .port("65536")),
      ("http://host:x", .port("x")), ("http://host/path", .path("/path")),
      ("http://host?x", .path("?x")), ("http://me:pass@host", .userInfo),
    ] as [(String, EndpointProblem)])
  func refuse(_ text: String, problem: EndpointProblem) {
    #expect(throws: problem) { try Endpoint(parsing: text) }
  }

  @Test("Amazon S3 names buckets in the host, unless TLS has no certificate for the name")
  func hostStyle() throws {
    let endpoint = Endpoint.aws(region: Region("eu-central-1"))
    let key = ObjectKey("k")
    let dns = try S3Target(endpoint: endpoint, bucket: BucketName("my-bucket"), key: key)
    #expect(dns.url(query: []) == "https://my-bucket.s3.eu-central-1.amazonaws.com/k")
    for name in ["my.bucket", "MyBucket", "a_b"] {
      let path = try S3Target(endpoint: endpoint, bucket: BucketName(name), key: key)
      #expect(path.url(query: []) == "https://s3.eu-central-1.amazonaws.com/\(name)/k")
    }
    #expect(Endpoint.aws(region: Region("cn-north-1")).host == "s3.cn-north-1.amazonaws.com.cn")
  }

  @Test("A key that begins with a slash keeps it in both styles")
  func leadingSlash() throws {
    let custom = try Endpoint(parsing: "http://h:1")
    let key = ObjectKey("/abs")
    #expect(try S3Target(endpoint: custom, bucket: BucketName("b"), key: key).path == "/b//abs")
    let aws = Endpoint.aws(region: .usEast1)
    #expect(try S3Target(endpoint: aws, bucket: BucketName("bucket"), key: key).path == "//abs")
  }

  @Test(
    "An empty key or a bucket's name that is a path is refused", arguments: ["", ".", "..", "a/b"])
  func impossible(_ bucket: String) throws {
    let endpoint = try Endpoint(parsing: "http://h:1")
    #expect(throws: S3Error.Cause.self) {
      try S3Target(endpoint: endpoint, bucket: BucketName(bucket), key: nil)
    }
    #expect(throws: S3Error.Cause.self) {
      try S3Target(endpoint: endpoint, bucket: BucketName("bucket"), key: .empty)
    }
  }
}
