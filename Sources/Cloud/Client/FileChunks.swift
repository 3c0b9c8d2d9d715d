import Dispatch
import Glibc
import NIOCore

/// A file as a sequence of buffers, read off the cooperative pool as they are asked for.
struct FileChunks: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  /// The size of one buffer, in bytes.
  static let chunk = 256 << 10

  /// The file's size in bytes when it was opened.
  let size: UInt64
  private let file: OpenFile

  /// Opens a regular file.
  init(path: String) throws(ReadError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw .system(path, errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .system(path, EINVAL)
    }
    size = UInt64(status.st_size)
    file = OpenFile(descriptor: descriptor)
  }

  enum ReadError: Error, Equatable, CustomStringConvertible {
    case system(String, Int32)

    var description: String {
      switch self {
      case .system(let path, let code): "\(path): \(String(cString: strerror(code)))"
      }
    }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file) }

  struct AsyncIterator: AsyncIteratorProtocol {
    typealias Element = ByteBuffer

    fileprivate let file: OpenFile
    private var offset: Int64 = 0

    fileprivate init(file: OpenFile) {
      self.file = file
    }

    mutating func next() async throws -> ByteBuffer? {
      let buffer = try await file.read(at: offset)
      offset += Int64(buffer.readableBytes)
      return buffer.readableBytes == 0 ? nil : buffer
    }
  }
}

/// A descriptor that is closed when nobody reads from it any more.
private final class OpenFile: Sendable {
  private let descriptor: Int32
  private static let queue = DispatchQueue(label: "larder.upload", attributes: .concurrent)

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  func read(at offset: Int64) async throws -> ByteBuffer {
    try await withCheckedThrowingContinuation { continuation in
      Self.queue.async {
        var code: Int32 = 0
        var buffer = ByteBuffer()
        _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: FileChunks.chunk) { bytes in
          let count = pread(self.descriptor, bytes.baseAddress, FileChunks.chunk, Int(offset))
          if count < 0 { code = errno }
          return Swift.max(0, count)
        }
        if code == 0 {
          continuation.resume(returning: buffer)
        } else {
          continuation.resume(throwing: FileChunks.ReadError.system("read", code))
        }
      }
    }
  }
}
