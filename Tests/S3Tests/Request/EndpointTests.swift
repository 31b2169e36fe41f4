import HTTP
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
      ("HTTP://host", "http://host"), ("gw.example/s3", "https://gw.example/s3"),
      ("https://gw.example:8443/Storage/v1.0/s3/", "https://gw.example:8443/Storage/v1.0/s3"),
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
      ("http://host:x", .port("x")), ("http://host//", .path("//")),
      ("http://host/a%20b", .path("/a%20b")), ("http://host/a/../b", .path("/a/../b")),
      ("http://host/a?x", .path("/a?x")),
      ("http://host?x", .path("?x")), ("http://me:pass@host", .userInfo),
    ] as [(String, EndpointProblem)])
  func refuse(_ text: String, problem: EndpointProblem) {
    #expect(throws: problem) { try Endpoint(parsing: text) }
  }

  @Test("Behind a gateway with a path each request begins with it, in both styles")
  func basePath() throws {
    let gateway = try Endpoint(parsing: "https://gw.example/storage/s3")
    let virtual = gateway.with(EndpointOptions(addressing: .virtual))
    let (bucket, key) = (BucketName("bucket"), ObjectKey("/k"))
    #expect(
      try S3Target(endpoint: gateway, bucket: bucket, key: key).url(query: [])
        == "https://gw.example/storage/s3/bucket//k")
    #expect(
      try S3Target(endpoint: virtual, bucket: bucket, key: key).url(query: [])
        == "https://bucket.gw.example/storage/s3//k")
    #expect(
      try S3Target(endpoint: gateway, bucket: nil, key: nil).url(query: [])
        == "https://gw.example/storage/s3/")
    #expect(try Endpoint(parsing: gateway.description) == gateway)
    let amazon = try Endpoint(parsing: "https://s3.eu-west-1.amazonaws.com/x")
    #expect(amazon.awsRegion == nil)
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

  @Test(
    "Amazon S3 is reached in each of its variants, and known by its own hosts",
    arguments: [
      (EndpointOptions(), "https://s3.eu-west-1.amazonaws.com"),
      (EndpointOptions(usesDualStack: true), "https://s3.dualstack.eu-west-1.amazonaws.com"),
      (EndpointOptions(usesFIPS: true), "https://s3-fips.eu-west-1.amazonaws.com"),
      (
        EndpointOptions(usesDualStack: true, usesFIPS: true),
        "https://s3-fips.dualstack.eu-west-1.amazonaws.com"
      ),
    ])
  func variants(options: EndpointOptions, url: String) throws {
    let endpoint = Endpoint.aws(region: Region("eu-west-1"), options)
    #expect(endpoint.description == url)
    #expect(try Endpoint(parsing: url) == endpoint)
    // Another region of the same variant, when a bucket turns out to be there.
    let moved = endpoint.inRegion(Region("us-west-2"))
    #expect(moved.description == url.replacing("eu-west-1", with: "us-west-2"))
  }

  @Test(
    "What only looks like Amazon S3 is a store like any other",
    arguments: [
      "https://s3.eu-west-1.amazonaws.com.example.net", "http://s3.eu-west-1.amazonaws.com",
      "https://s3.eu-west-1.amazonaws.com:8443",
      "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com",
    ])
  func lookalikes(url: String) throws {
    let endpoint = try Endpoint(parsing: url)
    #expect(endpoint.awsRegion == nil)
    #expect(endpoint.inRegion(Region("us-west-2")) == endpoint)
  }

  @Test(
    "A bucket is named where the addressing style says",
    arguments: [
      ("https://store.example", .automatic, "my-bucket", "https://store.example/my-bucket/k"),
      ("https://store.example", .virtual, "my-bucket", "https://my-bucket.store.example/k"),
      ("http://store.example:81", .virtual, "my-bucket", "http://my-bucket.store.example:81/k"),
      ("https://store.example", .virtual, "my.bucket", "https://store.example/my.bucket/k"),
      ("http://127.0.0.1:9", .virtual, "my-bucket", "http://127.0.0.1:9/my-bucket/k"),
      ("http://[::1]:9", .virtual, "my-bucket", "http://[::1]:9/my-bucket/k"),
      (
        "https://s3.eu-west-1.amazonaws.com", .path, "my-bucket",
        "https://s3.eu-west-1.amazonaws.com/my-bucket/k"
      ),
    ] as [(String, EndpointOptions.Addressing, String, String)])
  func addressing(
    url: String, style: EndpointOptions.Addressing, bucket: String, target: String
  ) throws {
    let endpoint = try Endpoint(parsing: url).with(EndpointOptions(addressing: style))
    let found = try S3Target(
      endpoint: endpoint, bucket: BucketName(bucket), key: ObjectKey("k"))
    #expect(found.url(query: []) == target)
  }

  @Test("An accelerated endpoint is for what is in buckets")
  func accelerated() throws {
    let endpoint = Endpoint.aws(region: .usEast1, EndpointOptions(isAccelerated: true))
    let bucket = BucketName("my-bucket")
    let object = try S3Target(endpoint: endpoint, bucket: bucket, key: ObjectKey("k"))
    #expect(object.url(query: []) == "https://my-bucket.s3-accelerate.amazonaws.com/k")
    let itself = try S3Target(
      endpoint: endpoint, bucket: bucket, key: nil, isAboutBucketItself: true)
    #expect(itself.host == "my-bucket.s3.us-east-1.amazonaws.com")
    #expect(
      try S3Target(endpoint: endpoint, bucket: nil, key: nil).host == "s3.us-east-1.amazonaws.com")
  }

  @Test("An access point has a host of its own, in its own region, and at Amazon S3 alone")
  func accessPoint() throws {
    let arn = BucketName("arn:aws:s3:eu-west-1:111122223333:accesspoint/reports")
    let target = try S3Target(
      endpoint: .aws(region: .usEast1, EndpointOptions(usesDualStack: true)), bucket: arn,
      key: ObjectKey("a/b"))
    #expect(
      target.url(query: [])
        == "https://reports-111122223333.s3-accesspoint.dualstack.eu-west-1.amazonaws.com/a/b")
    let custom = try Endpoint(parsing: "http://127.0.0.1:9")
    #expect(throws: S3Error.Cause.self) {
      try S3Target(endpoint: custom, bucket: arn, key: nil)
    }
    for text in [
      "arn:aws:s3::111122223333:accesspoint/x", "arn:aws:s3:eu-west-1:1:accesspoint/x",
      "arn:aws:s3:eu-west-1:111122223333:accesspoint/a.b@evil.example", "arn:aws:s3:::bucket",
      "arn:aws:s3:eu-west-1.evil.example/:111122223333:accesspoint/x",
    ] {
      #expect(AccessPoint(BucketName(text)) == nil)
    }
    #expect(BucketName.length(in: "\(arn)/a/b".utf8) == arn.text.utf8.count)
    #expect(BucketName.length(in: "reports/a/b".utf8) == 7)
  }

  @Test(
    "What is copied from an access point is named by the ARN of its object",
    arguments: [
      ("arn:aws:s3:eu-west-1:111122223333:accesspoint/reports", "aws", "eu-west-1"),
      ("arn:aws-cn:s3:cn-north-1:111122223333:accesspoint:reports", "aws-cn", "cn-north-1"),
    ])
  func copySource(bucket: String, partition: String, region: String) async throws {
    let scripted = try ScriptedClient([.response(403)])
    let source = ObjectLocation(
      bucket: BucketName(bucket), key: ObjectKey("q3/a b+é.csv"), versionID: VersionID("v1"))
    _ = await failure { () async throws(S3Error) in
      try await scripted.client.copyObject(
        source, to: ObjectLocation(bucket: BucketName("copies"), key: ObjectKey("a")),
        ifMatch: nil, attributes: ObjectAttributes())
    }
    #expect(
      scripted.requests.first?.headers["x-amz-copy-source"]
        == "arn%3A\(partition)%3As3%3A\(region)%3A111122223333%3Aaccesspoint/reports/object/"
        + "q3/a%20b%2B%C3%A9.csv?versionId=v1")
  }

  @Test("A request to an access point is signed for its region")
  func accessPointRegion() async throws {
    let scripted = try ScriptedClient([.response(200)], endpoint: .aws(region: .usEast1))
    _ = try? await scripted.client.headObject(
      ObjectLocation(
        bucket: BucketName("arn:aws:s3:eu-west-1:111122223333:accesspoint/reports"),
        key: ObjectKey("k")))
    let authorization = try #require(scripted.transport.requests.first?.headers["Authorization"])
    #expect(authorization.contains("/eu-west-1/s3/"))
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
