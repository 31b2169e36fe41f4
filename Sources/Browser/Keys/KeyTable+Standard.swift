extension KeyTable {
  /// The keys of Pail. `[` and `O` stay free: on a slow line they are part of an arrow key.
  public static let standard = KeyTable(
    browsing + moving + acting + copying + transfers + program + dialogs)

  static func row(
    _ command: Command, _ keys: String, in places: Set<KeyPlace>, _ help: String,
    hint: String? = nil
  ) -> KeyBinding {
    // Two blanks part alternatives, one blank the keys of a sequence.
    let sequences = keys.split(separator: "  ").compactMap { KeySequence(parsing: String($0)) }
    return KeyBinding(
      command: command, keys: sequences, places: places, help: help, hint: hint)
  }

  private static let panes: Set<KeyPlace> = [.buckets, .objects, .transfers]
  private static let lists: Set<KeyPlace> = [.buckets, .objects, .transfers, .localFiles]
  private static let scrolling: Set<KeyPlace> = lists.union([.text, .link, .bookmarks])

  private static let browsing = [
    row(.open, "Enter  l  →", in: [.buckets], "open the bucket", hint: "open"),
    row(
      .open, "Enter  l  →", in: [.objects], "open the prefix; details of an object",
      hint: "open"),
    row(.open, "Enter  l  →", in: [.transfers], "details of the transfer"),
    row(.open, "l  →  Enter", in: [.localFiles], "open the folder", hint: "open"),
    row(.upload, "u", in: [.objects], "upload: choose files and folders", hint: "upload"),
    row(.download, "d", in: [.objects], "download marked or current", hint: "download"),
    row(.delete, "D  Delete", in: [.objects], "delete marked or current", hint: "delete"),
    row(.share, "s", in: [.objects], "share: make a presigned URL", hint: "share"),
    row(.create, "a", in: [.buckets], "create a bucket", hint: "create"),
    row(.delete, "D  Delete", in: [.buckets], "remove the bucket", hint: "remove"),
    row(.startUpload, "u", in: [.localFiles], "upload marked or current", hint: "upload"),
    row(.goUp, "h  ←  Backspace", in: [.objects], "up; at the root: to the buckets", hint: "up"),
    row(.goUp, "h  ←  Backspace", in: [.localFiles], "the folder above", hint: "up"),
    row(.goUp, "h  ←", in: [.transfers], "back to the objects"),
  ]

  private static let moving = [
    row(.moveDown, "j  ↓", in: scrolling, "down"),
    row(.moveUp, "k  ↑", in: scrolling, "up"),
    row(.moveDown, "↓", in: [.search, .history], "down"),
    row(.moveUp, "↑", in: [.search, .history], "up"),
    row(.pageDown, "PgDn", in: scrolling.union([.search, .history]), "a page down"),
    row(.pageUp, "PgUp", in: scrolling.union([.search, .history]), "a page up"),
    row(.halfPageDown, "^d", in: lists.union([.text]), "half a page down"),
    row(.halfPageUp, "^u", in: lists.union([.text]), "half a page up"),
    row(.moveFirst, "g  Home", in: scrolling, "the first row"),
    row(.moveLast, "G  End", in: scrolling, "the last loaded row"),
    row(.nextPane, "Tab", in: panes, "the other pane"),
  ]

  private static let acting = [
    row(.mark, "Space", in: [.objects, .localFiles], "mark and go down", hint: "mark"),
    row(.markRange, "v", in: [.objects, .localFiles], "mark a range: move, then v again"),
    row(.invertMarks, "*", in: [.objects, .localFiles], "invert the marks"),
    row(.filter, "/", in: [.buckets, .objects, .localFiles], "filter as you type", hint: "filter"),
    row(.details, "i", in: [.objects], "details of the object", hint: "details"),
    row(.details, "i", in: [.transfers], "details of the transfer"),
    row(.copyObjects, "c", in: [.objects], "copy marked or current within the store"),
    row(.moveObjects, "m", in: [.objects], "move marked or current within the store"),
    row(.renameObject, "R", in: [.objects], "rename the object or prefix"),
    row(.create, "a", in: [.objects], "create a prefix marker"),
    row(
      .sortByName, "o n", in: [.objects, .localFiles], "sort by name; again reverses", hint: "name"),
    row(
      .sortBySize, "o s", in: [.objects, .localFiles], "sort by size; again reverses", hint: "size"),
    row(
      .sortByDate, "o d", in: [.objects, .localFiles], "sort by date; again reverses", hint: "date"),
    row(.sortByClass, "o c", in: [.objects], "sort by class; again reverses", hint: "class"),
    row(
      .peel, "Esc", in: panes.union([.localFiles]),
      "stop a listing, clear the filter, then the marks"),
    row(.refresh, "r", in: [.buckets, .objects, .localFiles], "refresh"),
    row(.back, "<", in: [.buckets, .objects], "back to where you were"),
    row(.forward, ">", in: [.buckets, .objects], "forward again"),
  ]

  private static let copying = [
    row(.copyURI, "y u", in: [.buckets, .objects], "copy the s3:// URI", hint: "s3:// URI"),
    row(.copyKey, "y k", in: [.objects], "copy the key", hint: "key"),
    row(.copyURL, "y h", in: [.buckets, .objects], "copy the https URL", hint: "https URL"),
    row(.copyARN, "y a", in: [.buckets, .objects], "copy the ARN", hint: "ARN"),
  ]

  private static let transfers = [
    row(.showTransfers, "t", in: [.buckets, .objects], "go to the transfers"),
    row(.showTransfers, "t", in: [.transfers], "back to the objects"),
    row(
      .pauseTransfer, "p", in: [.transfers], "pause the transfer, or let it go on", hint: "pause"),
    row(.cancelTransfer, "x", in: [.transfers], "cancel the transfer", hint: "cancel"),
    row(
      .retryTransfer, "r", in: [.transfers], "try a failed or interrupted transfer again",
      hint: "retry"),
    row(
      .resumeLeftTransfers, "R", in: [.transfers], "go on with all that was interrupted before"),
    row(.moveTransferUp, "K", in: [.transfers], "move it up among those that wait"),
    row(.moveTransferDown, "J", in: [.transfers], "move it down among those that wait"),
    row(.limitTransfers, "L", in: [.transfers], "limit the bandwidth", hint: "limit"),
    row(.clearTransfers, "C", in: [.transfers], "clear what is done", hint: "clear done"),
  ]

  private static let program = [
    row(.commandLine, ":", in: panes, "command line; :s3://bucket/prefix/ jumps"),
    row(.showBookmarks, "b", in: panes, "the bookmarks of this profile"),
    row(.addBookmark, "B", in: [.buckets, .objects], "bookmark this place"),
    row(.showHistory, "H", in: panes, "history: who uploaded and deleted what", hint: "history"),
    row(.switchSession, "S", in: panes, "switch profile, endpoint, region or user"),
    row(.showError, "E", in: panes, "the last error in full, or that of a transfer"),
    row(.help, "?  F1", in: panes.union([.localFiles]), "help for this pane", hint: "help"),
    row(
      .help, "?  F1",
      in: [
        .question, .quitting, .deletion, .conflict, .waiting, .link, .text, .signIn, .bookmarks,
      ],
      "the keys of this dialog"),
    // These have a text field, which a question mark goes into.
    row(.help, "F1", in: [.removal, .form, .field, .history], "the keys of this dialog"),
    row(.quit, "q  ^c", in: panes.union([.notice]), "quit", hint: "quit"),
    row(.redraw, "^l", in: Set(KeyPlace.allCases), "draw the screen anew"),
    row(.suspend, "^z", in: Set(KeyPlace.allCases), "suspend; fg comes back"),
  ]
}
