public import TextUI

/// What each role looks like. Nothing is told by colour alone, so a theme may be without any.
public struct Theme: Sendable {
  /// A colour of the terminal's own palette, and a finer one for terminals that have it.
  public struct Colour: Hashable, Sendable {
    /// 0 through 15; what these look like is the user's choice, so they suit any background.
    public var ansi: Int
    /// 0xRRGGBB.
    public var rgb: UInt32?

    public init(ansi: Int, rgb: UInt32? = nil) {
      self.ansi = ansi
      self.rgb = rgb
    }
  }

  /// The background always stays the terminal's own.
  public struct Style: Hashable, Sendable {
    public var colour: Colour?
    public var isBold: Bool
    public var isDim: Bool
    public var isUnderlined: Bool
    public var isReversed: Bool

    public init(
      _ colour: Colour? = nil, isBold: Bool = false, isDim: Bool = false,
      isUnderlined: Bool = false, isReversed: Bool = false
    ) {
      self.colour = colour
      self.isBold = isBold
      self.isDim = isDim
      self.isUnderlined = isUnderlined
      self.isReversed = isReversed
    }
  }

  public let name: String
  private let styles: [StyleRole: Style]

  public init(name: String, styles: [StyleRole: Style]) {
    self.name = name
    self.styles = styles
  }

  public subscript(role: StyleRole) -> Style { styles[role] ?? Style() }
}

extension Theme {
  /// By name: `dark`, `light` or `mono`.
  public static func named(_ name: String) -> Theme? {
    [dark, light, mono].first { $0.name == name }
  }

  /// Light where `COLORFGBG` says that the background is, mono where there are no colours, else
  /// dark.
  public static func preferred(environment: [String: String]) -> Theme {
    if ColourDepth.detected(environment: environment) == .mono { return mono }
    let background = environment["COLORFGBG"]?.split(separator: ";").last.flatMap { Int($0) }
    return background == 7 || background == 15 ? light : dark
  }

  // What every row of a list has is in the short colours of the palette: its bytes count.

  public static let dark = Theme(
    name: "dark",
    styles: profiles.merging([
      .dim: Style(Colour(ansi: 8, rgb: 0x808080)),
      .emphasis: Style(isBold: true),
      .title: Style(isBold: true),
      .border: Style(Colour(ansi: 8)),
      .focusedBorder: Style(Colour(ansi: 6)),
      .prefix: Style(Colour(ansi: 4, rgb: 0x5FAFFF)),
      .marked: Style(Colour(ansi: 3)),
      .error: Style(Colour(ansi: 1, rgb: 0xFF5F5F), isBold: true),
      .warning: Style(Colour(ansi: 3)),
      .success: Style(Colour(ansi: 2)),
      .progress: Style(Colour(ansi: 6)),
      .hint: Style(Colour(ansi: 8, rgb: 0x8A8A8A)),
      .keycap: Style(isBold: true),
      .header: Style(isBold: true),
      .input: Style(isUnderlined: true),
      .secondary: Style(Colour(ansi: 7)),
    ]) { _, own in own })

  public static let light = Theme(
    name: "light",
    styles: profiles.merging([
      .dim: Style(Colour(ansi: 8, rgb: 0x767676)),
      .emphasis: Style(isBold: true),
      .title: Style(isBold: true),
      .border: Style(Colour(ansi: 7)),
      .focusedBorder: Style(Colour(ansi: 4)),
      .prefix: Style(Colour(ansi: 4, rgb: 0x005FAF)),
      .marked: Style(Colour(ansi: 5)),
      .error: Style(Colour(ansi: 1, rgb: 0xAF0000), isBold: true),
      .warning: Style(Colour(ansi: 5, rgb: 0x875F00)),
      .success: Style(Colour(ansi: 2, rgb: 0x005F00)),
      .progress: Style(Colour(ansi: 4)),
      .hint: Style(Colour(ansi: 8, rgb: 0x6C6C6C)),
      .keycap: Style(isBold: true),
      .header: Style(isBold: true),
      .input: Style(isUnderlined: true),
      .secondary: Style(Colour(ansi: 8)),
    ]) { _, own in own })

  public static let mono = Theme(
    name: "mono",
    styles: profiles.mapValues { _ in Style(isBold: true, isReversed: true) }.merging([
      .emphasis: Style(isBold: true),
      .title: Style(isBold: true),
      .error: Style(isBold: true),
      .warning: Style(isBold: true),
      .marked: Style(isBold: true),
      .keycap: Style(isBold: true),
      .header: Style(isBold: true),
      .input: Style(isUnderlined: true),
    ]) { _, own in own })

  /// Reversed, so that they suit any background and cannot be overlooked.
  private static let profiles: [StyleRole: Style] = [
    .profileRed: Style(Colour(ansi: 1), isBold: true, isReversed: true),
    .profileYellow: Style(Colour(ansi: 3), isBold: true, isReversed: true),
    .profileGreen: Style(Colour(ansi: 2), isBold: true, isReversed: true),
    .profileBlue: Style(Colour(ansi: 4), isBold: true, isReversed: true),
    .profileMagenta: Style(Colour(ansi: 5), isBold: true, isReversed: true),
    .profileCyan: Style(Colour(ansi: 6), isBold: true, isReversed: true),
  ]
}

extension Theme.Colour {
  /// The number ncurses knows it by, -1 for the terminal's default. Source: terminfo(5); the 256 colours are xterm's.
  func number(_ depth: ColourDepth, colours: Int) -> Int32 {
    guard let rgb, depth >= .indexed256, colours >= 256 else {
      // Of eight colours "bright black" would be black, which nobody can read.
      return colours >= 16 ? Int32(ansi) : ansi == 8 ? -1 : Int32(ansi % 8)
    }
    return colours > 256 ? Int32(rgb) : Int32(Self.indexed(rgb))
  }

  /// The nearest of the 6×6×6 cube and the 24 greys.
  private static func indexed(_ rgb: UInt32) -> Int {
    let parts = [rgb >> 16, rgb >> 8, rgb].map { Int($0 & 0xFF) }
    let levels = [0, 95, 135, 175, 215, 255]
    let cube = parts.map { part in
      levels.indices.min { abs(levels[$0] - part) < abs(levels[$1] - part) } ?? 0
    }
    let grey = min(23, max(0, (parts.reduce(0, +) / 3 - 3) / 10))
    func distance(_ colour: [Int]) -> Int {
      zip(parts, colour).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let asCube = distance(cube.map { levels[$0] })
    let asGrey = distance(Array(repeating: 8 + 10 * grey, count: 3))
    return asGrey < asCube ? 232 + grey : 16 + 36 * cube[0] + 6 * cube[1] + cube[2]
  }
}
