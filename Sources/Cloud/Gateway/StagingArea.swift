import Cryptography
import Dispatch
import Glibc
import NIOCore
import Wire

/// The directory in which uploads wait for their checks.
struct StagingArea: Sendable {
  let directory: String
  let limit: UInt64
  private let queue = DispatchQueue(label: "larder.staging", attributes: .concurrent)

  enum Failure: Error, Equatable {
    case tooLarge(limit: UInt64)
    case truncated(UInt64, announced: UInt64)
    case empty
    case system(String, Int32)

    static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
  }

  init(directory: String, limit: UInt64) {
    self.directory = directory
    self.limit = limit
  }

  /// Where the complete upload of a lease lies.
  func path(_ fingerprint: String, fence: UInt64) -> String {
    "\(directory)/\(fingerprint)-\(fence).gpkg.tar"
  }

  /// What keeps uploads from being taken in, for a person; nil if nothing does.
  func problem() async -> String? {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: found()) }
    }
  }

  private func found() -> String? {
    guard access(directory, W_OK | X_OK) == 0 else {
      return "\(directory): \(Failure.words(errno)): uploads can't be written"
    }
    var disk = statvfs()
    guard statvfs(directory, &disk) == 0 else { return nil }
    let free = UInt64(disk.f_bavail) * UInt64(disk.f_frsize)
    guard free >= Self.leastFree else { return "\(directory): only \(free) bytes are free" }
    return nil
  }

  /// With less free space no package can be expected to fit.
  private static let leastFree: UInt64 = 16 << 20

  /// Makes the directory and removes what an earlier process left in it.
  func prepare() async throws {
    let directory = directory
    try await perform {
      guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
        throw Failure.system("mkdir \(directory)", errno)
      }
      guard let stream = opendir(directory) else {
        throw Failure.system("open \(directory)", errno)
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasSuffix(".gpkg.tar") || name.hasSuffix(".part") {
          unlink(directory + "/" + name)
        }
      }
    }
  }

  /// Writes a body to `path`, whole or not at all; an earlier upload is replaced.
  func receive<Body: AsyncSequence>(
    _ body: Body, announced: UInt64?, to path: String
  ) async throws where Body.Element == ByteBuffer {
    if let announced, announced > limit { throw Failure.tooLarge(limit: limit) }
    let temporary = "\(directory)/\(SecureRandom.bytes(12).hex).part"
    let descriptor = try await perform {
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw Failure.system("create \(temporary)", errno) }
      return descriptor
    }
    do {
      var count: UInt64 = 0
      for try await part in body {
        count += UInt64(part.readableBytes)
        guard count <= limit else { throw Failure.tooLarge(limit: limit) }
        try await perform { try Self.write(part, to: descriptor) }
      }
      guard count > 0 else { throw Failure.empty }
      if let announced, announced != count {
        throw Failure.truncated(count, announced: announced)
      }
      try await perform {
        guard rename(temporary, path) == 0 else { throw Failure.system("rename", errno) }
      }
      close(descriptor)
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
  }

  /// Removes an upload, if it is there.
  func remove(_ path: String) async {
    _ = try? await perform { unlink(path) }
  }

  private static func write(_ buffer: ByteBuffer, to descriptor: Int32) throws {
    try buffer.withUnsafeReadableBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          throw Failure.system("write", errno)
        }
        offset += count
      }
    }
  }

  /// Runs blocking work off the cooperative pool.
  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try body() }) }
    }
  }
}

extension StagingArea.Failure: CustomStringConvertible {
  var description: String {
    switch self {
    case .tooLarge(let limit): "the upload is larger than \(ByteCount(limit))"
    case .truncated(let count, let announced): "the upload ended at \(count) of \(announced) bytes"
    case .empty: "the upload is empty"
    case .system(let what, let code): "\(what): \(String(cString: strerror(code)))"
    }
  }
}
