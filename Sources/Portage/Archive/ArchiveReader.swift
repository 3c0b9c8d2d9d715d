import CArchive

/// Where an `ArchiveReader` gets its bytes.
protocol ArchiveSource: AnyObject {
  /// Fills the start of `buffer`; zero bytes mean the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Gpkg.ReadError) -> Int
}

/// A libarchive reader over a source: one format, and at most one filter before it.
///
/// It owns libarchive's handle, which calls back into it; so it is a class.
final class ArchiveReader {
  enum Format {
    case tar
    case raw
  }

  static let chunk = 65_536

  private let handle: OpaquePointer
  private let source: any ArchiveSource
  private let part: Gpkg.Part
  private let buffer: UnsafeMutableRawBufferPointer
  /// An error of the source, which libarchive can't carry through.
  private var failure: Gpkg.ReadError?

  init(
    _ format: Format, filter: ArchiveFilter = .none, part: Gpkg.Part, source: any ArchiveSource
  ) throws(Gpkg.ReadError) {
    guard let handle = archive_read_new() else { throw .damaged(part, "out of memory") }
    self.handle = handle
    self.source = source
    self.part = part
    buffer = .allocate(byteCount: Self.chunk, alignment: 16)
    switch format {
    case .tar: archive_read_support_format_tar(handle)
    case .raw: archive_read_support_format_raw(handle)
    }
    filter.enable(on: handle)
    let box = Unmanaged.passUnretained(self).toOpaque()
    let status = archive_read_open(
      handle, box, nil,
      { _, box, block in
        guard let box else { return -1 }
        let reader = Unmanaged<ArchiveReader>.fromOpaque(box).takeUnretainedValue()
        block?.pointee = UnsafeRawPointer(reader.buffer.baseAddress)
        return reader.pull()
      }, nil)
    if let failure { throw failure }
    guard status == ARCHIVE_OK else { throw damage }
    // Nested filters, and content that isn't packed at all, are not what the name promised.
    guard archive_filter_count(handle) == (filter == .none ? 1 : 2),
      archive_filter_code(handle, 0) == filter.code
    else { throw .compression(part.rawValue) }
  }

  deinit {
    archive_read_free(handle)
    buffer.deallocate()
  }

  private func pull() -> Int {
    do throws(Gpkg.ReadError) {
      return try source.read(into: buffer)
    } catch {
      failure = error
      return -1
    }
  }

  /// The next header, or nil at the end; what is left of the last entry's data is passed over.
  func next() throws(Gpkg.ReadError) -> ArchiveHeader? {
    var entry: OpaquePointer?
    let status = archive_read_next_header(handle, &entry)
    if let failure { throw failure }
    if status == ARCHIVE_EOF { return nil }
    guard status == ARCHIVE_OK, let entry else { throw damage }
    return ArchiveHeader(entry, position: position)
  }

  /// Where the last header began, or after the end where the archive ended.
  var position: Int64 { archive_read_header_position(handle) }

  /// How many bytes of the source were used up.
  var consumed: Int64 { archive_filter_bytes(handle, -1) }

  /// Reads the entry's data into the start of `target`; zero at its end.
  func read(into target: UnsafeMutableRawBufferPointer) throws(Gpkg.ReadError) -> Int {
    let count = archive_read_data(handle, target.baseAddress, target.count)
    if let failure { throw failure }
    guard count >= 0 else { throw damage }
    return count
  }

  private var damage: Gpkg.ReadError {
    let message = archive_error_string(handle).map { String(cString: $0) } ?? "no reason given"
    return .damaged(part, message)
  }
}

/// What a part may be packed with.
enum ArchiveFilter: String, CaseIterable {
  case none = ""
  case zstd = ".zst"
  case xz = ".xz"
  case gzip = ".gz"
  case bzip2 = ".bz2"

  var code: Int32 {
    switch self {
    case .none: ARCHIVE_FILTER_NONE
    case .zstd: ARCHIVE_FILTER_ZSTD
    case .xz: ARCHIVE_FILTER_XZ
    case .gzip: ARCHIVE_FILTER_GZIP
    case .bzip2: ARCHIVE_FILTER_BZIP2
    }
  }

  func enable(on handle: OpaquePointer) {
    switch self {
    case .none: break
    case .zstd: archive_read_support_filter_zstd(handle)
    case .xz: archive_read_support_filter_xz(handle)
    case .gzip: archive_read_support_filter_gzip(handle)
    case .bzip2: archive_read_support_filter_bzip2(handle)
    }
  }
}
