extension KeyTable {
  /// The keys of dialogs. `^c` closes them like Esc, so that it never quits by surprise.
  static let dialogs = questions + forms + uploads + reading

  private static let questions = [
    row(.confirm, "y", in: [.question, .deletion, .removal], "yes", hint: "yes"),
    row(.decline, "n  Enter  Esc  ^c", in: [.question, .deletion, .removal], "no", hint: "no"),
    row(
      .deleteVersions, "v", in: [.deletion], "delete all versions for ever", hint: "all versions"),
    row(
      .quitInBackground, "b", in: [.quitting], "go on in the background", hint: "in the background"),
    row(.quitStopping, "s  y", in: [.quitting], "stop, to be resumed later", hint: "stop"),
    row(.decline, "n  Enter  Esc  ^c", in: [.quitting], "stay", hint: "stay"),
    row(.close, "Esc  n  ^c", in: [.waiting], "stop", hint: "stop"),
    row(.nextField, "Tab", in: [.removal], "give the owner's account ID", hint: "owner ID"),
  ]

  private static let forms = [
    row(.accept, "Enter", in: [.form, .field], "go on", hint: "go on"),
    row(.accept, "Enter", in: [.signIn], "try again", hint: "try again"),
    row(.close, "Esc  q  ^c", in: [.signIn], "close", hint: "close"),
    row(.nextField, "Tab  ↓", in: [.form], "the next field", hint: "next field"),
    row(.previousField, "Shift-Tab  ↑", in: [.form], "the field before"),
    row(.nextChoice, "→  l  Space", in: [.form], "the next choice"),
    row(.previousChoice, "←  h", in: [.form], "the choice before"),
    row(.close, "Esc  ^c", in: [.form, .field], "close", hint: "close"),
  ]

  private static let uploads = [
    row(.overwrite, "o", in: [.conflict], "overwrite this one", hint: "overwrite"),
    row(.skip, "s", in: [.conflict], "skip this one", hint: "skip"),
    row(.rename, "r", in: [.conflict], "give this one a free name", hint: "rename"),
    row(.overwriteAll, "W", in: [.conflict], "overwrite all", hint: "overwrite all"),
    row(.skipAll, "S", in: [.conflict], "skip all", hint: "skip all"),
    row(.renameAll, "R", in: [.conflict], "rename all", hint: "rename all"),
    row(.close, "Esc  ^c", in: [.conflict], "give up: nothing is moved", hint: "give up"),

    row(.changeDestination, "p", in: [.localFiles], "change the prefix they go to", hint: "to"),
    row(
      .changeAttributes, "a", in: [.localFiles],
      "content type, storage class, encryption, metadata, tags", hint: "as what"),
    row(.showHidden, ".", in: [.localFiles], "show or hide hidden files"),
    row(.close, "q  ^c", in: [.localFiles], "close", hint: "close"),
  ]

  private static let reading = [
    row(.copyLink, "y", in: [.link], "copy the URL", hint: "copy"),
    row(.copyCurl, "c", in: [.link], "copy as a curl command", hint: "copy as curl"),
    row(.close, "Esc  q  ^c", in: [.link, .text], "close", hint: "close"),
    row(.open, "Enter  l  →", in: [.bookmarks], "open the place", hint: "open"),
    row(.removeBookmark, "D  Delete", in: [.bookmarks], "remove the bookmark", hint: "remove"),
    row(.close, "Esc  q  ^c  b", in: [.bookmarks], "close", hint: "close"),
    row(.open, "Enter", in: [.history], "everything about one change", hint: "open"),
    row(.nextField, "Tab", in: [.history], "the next field", hint: "next field"),
    row(.previousField, "Shift-Tab", in: [.history], "the field before"),
    row(.close, "Esc  ^c", in: [.search, .history], "close", hint: "close"),
  ]
}
