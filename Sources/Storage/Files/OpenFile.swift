import Glibc

/// An open file, closed when its last user lets go.
final class OpenFile: Sendable {
  let path: String
  let descriptor: Int32

  init(path: String, flags: Int32, mode: mode_t = 0o644) throws {
    let opened = Glibc.open(path, flags | O_CLOEXEC, mode)
    guard opened >= 0 else { throw FileError(operation: "open", path: path, code: errno) }
    self.path = path
    descriptor = opened
  }

  deinit {
    close(descriptor)
  }

  /// The file's size in bytes.
  func size() throws -> UInt64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FileError(operation: "read", path: path, code: errno)
    }
    return UInt64(clamping: status.st_size)
  }

  /// Reads up to the buffer's size from an offset; fewer only at the file's end.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(
        descriptor, rest.baseAddress, rest.count, off_t(clamping: offset + UInt64(done)))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(operation: "read", path: path, code: errno)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Reads `count` bytes from an offset; fewer only at the file's end.
  func read(count: Int, at offset: UInt64) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
    }
  }

  /// Writes all bytes at an offset.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = pwrite(
        descriptor, rest.baseAddress, rest.count, off_t(clamping: offset + UInt64(done)))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError(operation: "write", path: path, code: errno)
      }
      done += count
    }
  }
}

extension OpenFile {
  /// Has the system begin to write a new file to the disk, without waiting for it.
  ///
  /// Linux does so before it lets go of pages, and keeps those that are not written yet. Only makes a
  /// later flush shorter: where the file system can't, nothing is lost.
  func beginFlush() {
    _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
  }

  /// Hands out the whole file in order, at most 1 MiB at a time.
  func readAll(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset: UInt64 = 0
    while true {
      let count = try read(into: buffer, at: offset)
      guard count > 0 else { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += UInt64(count)
    }
  }
}
