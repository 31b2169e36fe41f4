// swift-tools-version: 6.1
import PackageDescription

/// Every Swift target: Swift 6 mode is the default of this tools version.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
  name: "pail",
  products: [.executable(name: "pail", targets: ["App"])],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CCurl", providers: [.apt(["libcurl4-openssl-dev", "libssl-dev"])]),
    .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CExpat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(name: "CNcurses", providers: [.apt(["libncurses-dev"])]),
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CFiles"),
    .target(name: "CChecksums", cSettings: [.unsafeFlags(["-O2"])]),

    .target(name: "HTTP", dependencies: ["CCurl", system], swiftSettings: strict),
    .target(
      name: "S3", dependencies: ["HTTP", "CCrypto", "CExpat", "CChecksums", "CFiles", system],
      swiftSettings: strict),
    .target(
      name: "History",
      dependencies: [
        "S3", .product(name: "GRDB", package: "GRDB.swift"),
        "CSQLite", system,
      ],
      swiftSettings: strict),
    .target(
      name: "Storage",
      dependencies: [
        "S3", "History", .product(name: "Collections", package: "swift-collections"), "CFiles",
        system,
      ],
      swiftSettings: strict),
    .target(name: "TextUI", swiftSettings: strict),
    .target(name: "Terminal", dependencies: ["TextUI", "CNcurses"], swiftSettings: strict),
    .target(
      name: "Browser", dependencies: ["Storage", "S3", "History", "TextUI", system],
      swiftSettings: strict),
    .executableTarget(
      name: "App",
      dependencies: [
        "HTTP", "S3", "History", "Storage", "TextUI", "Terminal", "Browser", system,
        .product(name: "TOMLKit", package: "TOMLKit"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: [system], path: "Tests/TestSupport",
      swiftSettings: strict),
    .testTarget(name: "HTTPTests", dependencies: ["HTTP", system], swiftSettings: strict),
    .testTarget(
      name: "S3Tests", dependencies: ["S3", "HTTP", "CChecksums", system],
      exclude: ["profiles"],
      resources: [.copy("sigv4")], swiftSettings: strict),
    .testTarget(
      name: "HistoryTests",
      dependencies: [
        "History", "S3", "TestSupport", .product(name: "GRDB", package: "GRDB.swift"), system,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "StorageTests",
      dependencies: ["Storage", "History", "S3", "HTTP", "CSQLite", "TestSupport", system],
      swiftSettings: strict),
    .testTarget(
      name: "TextUITests", dependencies: ["TextUI", "TestSupport"], exclude: ["Screens"],
      swiftSettings: strict),
    .testTarget(
      name: "TerminalTests", dependencies: ["Terminal", "TextUI", "CNcurses"],
      swiftSettings: strict),
    .testTarget(
      name: "BrowserTests",
      dependencies: ["Browser", "Storage", "History", "S3", "TextUI", "TestSupport", system],
      exclude: ["Screens"], swiftSettings: strict),
    .testTarget(
      name: "AppTests",
      dependencies: [
        "App", "HTTP", "History", "S3", "Storage", system,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests",
      dependencies: ["App", "HTTP", "History", "S3", "Storage", "TextUI", "TestSupport", system],
      swiftSettings: strict),
  ],
  cLanguageStandard: .gnu11
)
