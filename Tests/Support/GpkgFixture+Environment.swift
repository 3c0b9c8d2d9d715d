import CArchive

extension GpkgFixture {
  /// `text` as bzip2 packs it: what `environment.bz2` holds.
  public static func bzip2(_ text: String) -> [UInt8] {
    let content = Array(text.utf8)
    guard let handle = archive_write_new(), let header = archive_entry_new() else {
      preconditionFailure("out of memory")
    }
    defer {
      archive_entry_free(header)
      archive_write_free(handle)
    }
    archive_write_set_format_raw(handle)
    archive_write_add_filter_bzip2(handle)
    archive_write_set_bytes_in_last_block(handle, 1)
    var packed = [UInt8](repeating: 0, count: content.count + 4_096)
    var used = 0
    packed.withUnsafeMutableBytes { buffer in
      archive_write_open_memory(handle, buffer.baseAddress, buffer.count, &used)
      archive_entry_set_pathname(header, "environment")
      archive_entry_set_mode(header, 0o100644)
      archive_write_header(handle, header)
      _ = content.withUnsafeBytes { archive_write_data(handle, $0.baseAddress, $0.count) }
      archive_write_close(handle)
    }
    return Array(packed.prefix(used))
  }
}
