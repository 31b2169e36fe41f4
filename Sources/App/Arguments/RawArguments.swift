import Glibc

/// The arguments of the program, byte for byte, in a form that text APIs carry unharmed.
///
/// Keys and file names need not be UTF-8, and `CommandLine.arguments` replaces what is not. Here a
/// byte that is not UTF-8 becomes one scalar of U+10FF80 through U+10FFFF, and ``bytes(of:)`` turns
/// it back. Those scalars themselves, if ever typed, are taken apart into four such bytes, so that
/// nothing is ambiguous.
enum RawArguments {
  /// Without the name of the program.
  static func current() -> [String] {
    (1..<max(Int(CommandLine.argc), 1)).compactMap { index in
      CommandLine.unsafeArgv[index].map { argument in
        text(of: UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
      }
    }
  }

  static func text(of bytes: some Collection<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self),
      !text.unicodeScalars.contains(where: isEscape)
    {
      return text
    }
    var text = String.UnicodeScalarView()
    var rest = Array(bytes)[...]
    while let first = rest.first {
      let length = lengthOfSequence(startingWith: first)
      let sequence = rest.prefix(length)
      if let scalar = String(validating: sequence, as: UTF8.self)?.unicodeScalars.first,
        !isEscape(scalar)
      {
        text.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        text.append(contentsOf: escape(first))
        rest = rest.dropFirst()
      }
    }
    return String(text)
  }

  static func bytes(of text: some StringProtocol) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      if isEscape(scalar) {
        bytes.append(UInt8(truncatingIfNeeded: scalar.value))
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
      }
    }
    return bytes
  }

  private static func isEscape(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x10FF80
  }

  /// Bytes below 0x80 are UTF-8 by themselves, so the range above holds all that are not.
  private static func escape(_ byte: UInt8) -> String.UnicodeScalarView {
    Unicode.Scalar(0x10FF00 + UInt32(byte)).map { String.UnicodeScalarView([$0]) } ?? .init()
  }

  private static func lengthOfSequence(startingWith byte: UInt8) -> Int {
    switch byte {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
  }
}
