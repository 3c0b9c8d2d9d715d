import Dispatch
import Glibc

/// An HTTP client that sends exactly these bytes and reads until the other side closes.
enum RawClient {
  struct Answer: Sendable {
    let head: String
    let body: [UInt8]

    var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? {
      for line in head.split(separator: "\r\n").dropFirst() {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
        return String(parts[1].drop { $0 == " " })
      }
      return nil
    }
  }

  struct Failed: Error {
    let step: String
    let code: Int32
  }

  private static let queue = DispatchQueue(label: "raw client", attributes: .concurrent)

  /// Sends a request with these lines and takes the answer apart; chunks are joined.
  static func send(
    _ method: String, _ target: String, _ headers: [String] = [], host: String? = nil, port: Int
  ) async throws -> Answer {
    let lines =
      ["\(method) \(target) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Connection: close"]
      + headers
    var text = ""
    for line in lines { text += line + "\r\n" }
    let bytes = try await send(Array((text + "\r\n").utf8), port: port)
    guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else {
      throw Failed(step: "head", code: 0)
    }
    let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
    let rest = Array(bytes[end.upperBound...])
    let isChunked = head.lowercased().contains("transfer-encoding: chunked")
    return Answer(head: head, body: isChunked ? joined(rest) : rest)
  }

  static func send(_ bytes: [UInt8], port: Int) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try exchange(bytes, port: port) }) }
    }
  }

  private static func exchange(_ bytes: [UInt8], port: Int) throws -> [UInt8] {
    let link = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard link >= 0 else { throw Failed(step: "socket", code: errno) }
    defer { close(link) }
    var timeout = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(link, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failed(step: "connect", code: errno) }
    guard write(link, bytes, bytes.count) == bytes.count else {
      throw Failed(step: "write", code: errno)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(link, &buffer, buffer.count)
      guard count >= 0 else { throw Failed(step: "read", code: errno) }
      if count == 0 { return answer }
      answer += buffer[..<count]
    }
  }

  private static func joined(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var rest = bytes[...]
    while let end = rest.firstRange(of: [13, 10]),
      let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16), size > 0
    {
      out += rest[end.upperBound...].prefix(size)
      rest = rest.dropFirst(end.upperBound - rest.startIndex + size + 2)
    }
    return out
  }
}
