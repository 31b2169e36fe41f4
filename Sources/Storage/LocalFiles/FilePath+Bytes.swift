internal import Glibc
public import SystemPackage

extension FilePath {
  /// The path as the system sees it, without the NUL at its end.
  public var bytes: [UInt8] {
    withPlatformString { [UInt8](UnsafeRawBufferPointer(start: $0, count: length)) }
  }

  /// Up to the first NUL.
  public init(bytes: some Sequence<UInt8>) {
    self.init(platformString: bytes.map { CInterop.PlatformChar(bitPattern: $0) } + [0])
  }

  /// For messages: NUL, which no path can hold, becomes U+2400.
  init(untrusted bytes: [UInt8]) {
    self.init(bytes: bytes.flatMap { $0 == 0 ? Array("\u{2400}".utf8) : [$0] })
  }

  /// - Parameter name: Without NUL, and not beginning with `/`.
  func appending(bytes name: [UInt8]) -> FilePath {
    let slash = CInterop.PlatformChar(bitPattern: UInt8(ascii: "/"))
    return withPlatformString { own in
      var all: [CInterop.PlatformChar] = []
      all.reserveCapacity(length + name.count + 2)
      all += UnsafeBufferPointer(start: own, count: length)
      if let last = all.last, last != slash { all.append(slash) }
      for byte in name { all.append(CInterop.PlatformChar(bitPattern: byte)) }
      all.append(0)
      return FilePath(platformString: all)
    }
  }

  /// The same file, named so that it can be found from any folder; as it is where the working
  /// folder is gone.
  var absolute: FilePath {
    guard !isAbsolute, let folder = getcwd(nil, 0) else { return self }
    defer { free(folder) }
    return FilePath(platformString: folder).appending(bytes: bytes)
  }
}
