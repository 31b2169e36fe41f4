extension KeyTable {
  /// The keys of dialogs. `^c` closes them like Esc, so that it never quits by surprise.
  static let dialogs = [
    row(.confirm, "y", in: [.question], "yes", hint: "yes"),
    row(.decline, "n  Enter  Esc  ^c", in: [.question], "no", hint: "no"),

    row(.close, "Esc  q  ^c", in: [.link, .text], "close", hint: "close"),
    row(.close, "Esc  ^c", in: [.search], "close", hint: "close"),
    row(.nextField, "Tab", in: [.search], "the next field"),
    row(.previousField, "Shift-Tab", in: [.search], "the field before"),
  ]
}
