/// Portage's own copy of the index, which decides what it takes for newer.
public enum PortageCache {
  /// The path of the copy of `file://<binhost>/current`, as Portage 3.0.83 lays it out.
  ///
  /// `eroot` is Portage's EROOT: `/`, or where its packages are installed.
  public static func path(eroot: String, binhost: String) -> String {
    let root = eroot.hasSuffix("/") ? String(eroot.dropLast()) : eroot
    return "\(root)/var/cache/edb/binhost\(binhost)/current/Packages"
  }

  /// The `TIMESTAMP` of the copy; 0 if there is none. Give it to `BinhostDirectory.publish`: an index
  /// that is not newer is silently ignored, also after the clock was set back. Blocks.
  public static func timestamp(eroot: String, binhost: String) -> Int64 {
    guard let file = ReadableFile(path(eroot: eroot, binhost: binhost)) else { return 0 }
    // The header comes first and is short.
    let head = file.read(count: 64 << 10, at: 0)
    guard let range = IndexHeader.timestampRange(in: head) else { return 0 }
    return Int64(String(decoding: head[range], as: UTF8.self)) ?? 0
  }
}
