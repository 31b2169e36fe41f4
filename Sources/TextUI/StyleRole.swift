/// What a cell means. Views choose a role; the theme alone knows colours and attributes.
///
/// No role may be the only sign of something: a theme without colours shows several of them alike.
public enum StyleRole: String, Sendable, CaseIterable {
  case normal
  case dim
  /// The selected row's name.
  case emphasis
  case title
  case border
  case focusedBorder
  /// The name of a common prefix, shown like a folder.
  case prefix
  case marked
  case error
  case warning
  case success
  /// The filled part of a progress bar.
  case progress
  /// What a key does, in the bottom row.
  case hint
  /// The key itself, in the bottom row and in the help.
  case keycap
  case header
  /// A text field's contents.
  case input
  /// Facts beside the main one: sizes, dates, classes.
  case secondary
  /// A profile's name in the header, in the colour that it was given.
  case profileRed, profileYellow, profileGreen, profileBlue, profileMagenta, profileCyan
}
