/// Media types by the extension of a file's name.
public enum ContentType {
  /// What S3 itself says of an object without a type.
  public static let unknown = "binary/octet-stream"

  /// The type for a file name, whatever the case of its extension.
  ///
  /// Source: IANA "Media Types" registry; for names it lacks, what web servers commonly send.
  public static func guess(fileName: String) -> String {
    // By bytes, for thousands of files a second.
    let name = fileName.utf8.split(separator: UInt8(ascii: "/")).last ?? ""[...].utf8
    // A dot at the start hides a file and begins no extension.
    guard let dot = name.dropFirst().lastIndex(of: UInt8(ascii: ".")) else { return unknown }
    return types[Substring(name[name.index(after: dot)...]).lowercased()] ?? unknown
  }

  private static let types: [String: String] = {
    var types: [String: String] = [:]
    for (type, extensions) in table {
      for ending in extensions.split(separator: " ") { types[String(ending)] = type }
    }
    return types
  }()

  private static let table = [
    ("application/epub+zip", "epub"),
    ("application/gzip", "gz tgz"),
    ("application/java-archive", "jar war ear"),
    ("application/json", "json map"),
    ("application/ld+json", "jsonld"),
    ("application/msword", "doc"),
    ("application/pdf", "pdf"),
    ("application/postscript", "ps eps ai"),
    ("application/rtf", "rtf"),
    ("application/sql", "sql"),
    ("application/toml", "toml"),
    ("application/vnd.apache.parquet", "parquet"),
    ("application/vnd.debian.binary-package", "deb"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.ms-fontobject", "eot"),
    ("application/vnd.ms-powerpoint", "ppt"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.rar", "rar"),
    ("application/vnd.sqlite3", "sqlite sqlite3 db"),
    ("application/wasm", "wasm"),
    ("application/x-7z-compressed", "7z"),
    ("application/x-bzip2", "bz2"),
    ("application/x-iso9660-image", "iso"),
    ("application/x-ndjson", "ndjson jsonl"),
    ("application/x-rpm", "rpm"),
    ("application/x-sh", "sh bash"),
    ("application/x-tar", "tar"),
    ("application/x-xz", "xz"),
    ("application/xhtml+xml", "xhtml"),
    ("application/xml", "xml xsd xsl xslt"),
    ("application/yaml", "yaml yml"),
    ("application/zip", "zip"),
    ("application/zstd", "zst"),
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/midi", "mid midi"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "oga ogg opus"),
    ("audio/wav", "wav"),
    ("font/otf", "otf"),
    ("font/ttf", "ttf"),
    ("font/woff", "woff"),
    ("font/woff2", "woff2"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/jpeg", "jpg jpeg jpe"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tif tiff"),
    ("image/vnd.microsoft.icon", "ico"),
    ("image/webp", "webp"),
    ("text/calendar", "ics"),
    ("text/css", "css"),
    ("text/csv", "csv"),
    ("text/html", "html htm"),
    ("text/javascript", "js mjs cjs"),
    ("text/markdown", "md markdown"),
    ("text/plain", "txt text log conf ini cfg c h cpp hpp go rs swift java kt ts py rb pl diff"),
    ("text/tab-separated-values", "tsv"),
    ("text/vcard", "vcf"),
    ("video/mp2t", "m2ts"),
    ("video/mp4", "mp4 m4v"),
    ("video/mpeg", "mpg mpeg"),
    ("video/ogg", "ogv"),
    ("video/quicktime", "mov"),
    ("video/webm", "webm"),
    ("video/x-matroska", "mkv"),
    ("video/x-msvideo", "avi"),
  ]
}
