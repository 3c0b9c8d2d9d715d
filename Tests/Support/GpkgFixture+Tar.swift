import CArchive
import Cryptography
public import Portage

extension GpkgFixture {
  /// The headers that a tar is written with.
  public enum Headers: Sendable {
    /// GNU's, as Portage writes them.
    case gnu
    /// POSIX' extended ones, with one before every entry.
    case extended
  }

  /// A tar of entries in their order, as hostile as they are.
  public static func tar(
    _ entries: [Entry], packed compression: Compression, headers: Headers = .gnu
  ) -> [UInt8] {
    let sink = ByteSink()
    guard let handle = archive_write_new() else { preconditionFailure("out of memory") }
    defer { archive_write_free(handle) }
    switch headers {
    case .gnu: archive_write_set_format_gnutar(handle)
    case .extended: archive_write_set_format_pax(handle)
    }
    switch compression {
    case .none: archive_write_add_filter_none(handle)
    case .zstd: archive_write_add_filter_zstd(handle)
    case .xz: archive_write_add_filter_xz(handle)
    case .gzip: archive_write_add_filter_gzip(handle)
    case .bzip2: archive_write_add_filter_bzip2(handle)
    }
    archive_write_set_bytes_in_last_block(handle, 1)
    let box = Unmanaged.passUnretained(sink).toOpaque()
    archive_write_open(
      handle, box, nil,
      { _, box, bytes, count in
        guard let box, let bytes else { return -1 }
        let sink = Unmanaged<ByteSink>.fromOpaque(box).takeUnretainedValue()
        sink.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        return count
      }, nil)
    for entry in entries { write(entry, to: handle, headers: headers) }
    archive_write_close(handle)
    return withExtendedLifetime(sink) { sink.bytes }
  }

  private static func write(_ entry: Entry, to handle: OpaquePointer, headers: Headers) {
    guard let header = archive_entry_new() else { preconditionFailure("out of memory") }
    defer { archive_entry_free(header) }
    archive_entry_set_pathname(header, entry.path)
    archive_entry_set_mode(header, entry.type | entry.mode)
    archive_entry_set_size(header, Int64(entry.content.count))
    archive_entry_set_mtime(header, 1_700_000_000, headers == .extended ? 5 : 0)
    archive_entry_set_uname(header, "root")
    archive_entry_set_gname(header, "root")
    if entry.isHardLink {
      archive_entry_set_hardlink(header, entry.target)
    } else if !entry.target.isEmpty {
      archive_entry_set_symlink(header, entry.target)
    }
    let status = archive_write_header(handle, header)
    precondition(status >= ARCHIVE_WARN, "libarchive refused \(entry.path)")
    _ = entry.content.withUnsafeBytes { archive_write_data(handle, $0.baseAddress, $0.count) }
  }

  private final class ByteSink {
    var bytes: [UInt8] = []
  }
}

/// The `BLAKE2B` of a Manifest.
public struct BLAKE2bMemberDigest: MemberDigest {
  private var hash = BLAKE2b(length: 64)

  /// An empty digest.
  public init() {}

  /// Takes the next bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hash.update(buffer: bytes.bindMemory(to: UInt8.self))
  }

  /// The digest by its name in a Manifest.
  public mutating func finish() -> [String: String] {
    let digits = Array("0123456789abcdef")
    var text = ""
    for byte in hash.finalize() {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return ["BLAKE2B": text]
  }
}

/// A visitor that keeps what it saw.
public struct ImageRecorder: GpkgVisitor, Sendable {
  /// The entries in their order.
  public private(set) var entries: [ImageEntry] = []
  /// The files' content by path.
  public private(set) var contents: [String: [UInt8]] = [:]
  /// How many entries were left.
  public private(set) var left = 0

  /// Nothing seen yet.
  public init() {}

  /// Keeps the entry.
  public mutating func visit(_ entry: ImageEntry) { entries.append(entry) }

  /// Keeps the content.
  public mutating func visit(content: UnsafeRawBufferPointer, of entry: ImageEntry) {
    contents[entry.path, default: []].append(contentsOf: content)
  }

  /// Counts the entry.
  public mutating func leave(_ entry: ImageEntry) { left += 1 }
}
