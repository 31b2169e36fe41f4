internal import CChecksums
internal import Dispatch
internal import Glibc
internal import HTTP
internal import Synchronization
internal import SystemPackage

/// Finds what requests say of stretches of files, on threads that may wait for a disk.
///
/// SHA-256 is one long chain of steps, so a processor that has instructions for them digests three
/// stretches in hardly more time than one: what waits at the same time is digested together.
final class DigestQueue: Sendable {
  static let shared = DigestQueue(lanes: Int(pail_sha256_lanes()))

  private struct Job {
    let slice: FileSlice
    let wants: PayloadDigest.Wants
    let isCancelled: Flag
    let answer: CheckedContinuation<Result<PayloadDigest, S3Error.Cause>, Never>
  }

  private struct State {
    var waiting: [Job] = []
    var threadCount = 0
  }

  /// What a thread reads into, one piece for each stretch that it takes at once.
  ///
  /// A piece is as large as a mapping of its own, and would cost the clearing of its pages if it
  /// were made anew for each stretch.
  private final class Pieces {
    /// In bytes: three of them stay in a processor's cache while all digests pass over them.
    static let size = 128 * 1024
    private let all: UnsafeMutableRawBufferPointer

    init(count: Int) {
      all = .allocate(byteCount: count * Self.size, alignment: 64)
    }

    deinit { all.deallocate() }

    subscript(lane: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(rebasing: all[(lane * Self.size)..<((lane + 1) * Self.size)])
    }
  }

  /// How many stretches one thread takes at once; 1 where that gains nothing.
  private let lanes: Int
  /// Each has buffers of its own, and more of them than processors gain nothing.
  private static let mostThreads = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1), 4)
  private let state = Mutex(State())
  private let threads = DispatchQueue(label: "pail.digest", attributes: .concurrent)

  /// - Parameter lanes: no more than this processor has.
  init(lanes: Int) {
    self.lanes = lanes
  }

  /// - Throws: ``S3Error/Cause/transport(_:)`` when the task is cancelled, or the file cannot be read
  ///   or is too short.
  func digest(
    _ slice: FileSlice, _ wants: PayloadDigest.Wants
  ) async throws(S3Error.Cause) -> PayloadDigest {
    let isCancelled = Flag()
    return try await withTaskCancellationHandler {
      await withCheckedContinuation { answer in
        add(Job(slice: slice, wants: wants, isCancelled: isCancelled, answer: answer))
      }
    } onCancel: {
      isCancelled.raise()
    }.get()
  }

  /// Another thread begins once enough wait to fill its lanes: fewer are sooner done with, and in less
  /// of the processor's time, by those threads that there are.
  private func add(_ job: Job) {
    let needsThread = state.withLock { state in
      state.waiting.append(job)
      guard
        state.threadCount == 0
          || (state.waiting.count >= lanes && state.threadCount < Self.mostThreads)
      else { return false }
      state.threadCount += 1
      return true
    }
    if needsThread { threads.async { self.run() } }
  }

  private func run() {
    let pieces = Pieces(count: lanes)
    while true {
      let jobs: [Job] = state.withLock { state in
        let isNeeded = state.threadCount == 1 || state.waiting.count >= lanes
        let jobs = isNeeded ? Array(state.waiting.prefix(lanes)) : []
        state.waiting.removeFirst(jobs.count)
        if jobs.isEmpty { state.threadCount -= 1 }
        return jobs
      }
      guard !jobs.isEmpty else { return }
      digest(jobs, by: pieces)
    }
  }

  private func digest(_ jobs: [Job], by pieces: Pieces) {
    var readings = jobs.enumerated().map { lane, job in
      Reading(job, into: pieces[lane], hasLanes: lanes > 1)
    }
    while !readings.isEmpty {
      readings.removeAll { !$0.readPiece() }
      Reading.addTogether(readings.filter { $0.hasMessage && !$0.isAtEnd })
      readings.removeAll { reading in
        if reading.isAtEnd { reading.finish() }
        return reading.isAtEnd
      }
    }
  }

  /// A stretch on its way through the digests.
  private final class Reading {
    private let job: Job
    private var done: Int64 = 0
    /// Its thread's, as long as it lasts.
    private let buffer: UnsafeMutableRawBufferPointer
    /// What was read last.
    private var piece: UnsafeRawBufferPointer
    /// All digests but that of `message`.
    private var running: PayloadDigest.Running
    /// SHA-256, where it is digested together with others.
    private let message: UnsafeMutablePointer<pail_sha256>?

    var hasMessage: Bool { message != nil }
    var isAtEnd: Bool { done == job.slice.count }

    init(_ job: Job, into buffer: UnsafeMutableRawBufferPointer, hasLanes: Bool) {
      self.job = job
      self.buffer = buffer
      piece = UnsafeRawBufferPointer(rebasing: buffer[..<0])
      var wants = job.wants
      if hasLanes, wants.remove(.sha256) != nil {
        let message = UnsafeMutablePointer<pail_sha256>.allocate(capacity: 1)
        pail_sha256_begin(message)
        self.message = message
      } else {
        message = nil
      }
      running = PayloadDigest.Running(wants)
    }

    deinit { message?.deallocate() }

    /// Reads as much as there is room for, and has all digests but SHA-256 pass over it.
    ///
    /// - Returns: false once the job has been answered with a failure.
    func readPiece() -> Bool {
      guard !job.isCancelled.isRaised else { return fail(.cancelled) }
      let wanted = Int(min(Int64(buffer.count), job.slice.count - done))
      var count = 0
      while count < wanted {
        let read: Int
        do {
          read = try job.slice.file.descriptor.read(
            fromAbsoluteOffset: job.slice.offset + done + Int64(count),
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[count..<wanted]))
        } catch {
          return fail(.file(error as? Errno ?? .ioError))
        }
        guard read > 0 else { return fail(.fileTooShort) }
        count += read
      }
      done += Int64(count)
      piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      running.update(piece)
      return true
    }

    /// Has the messages of `readings` pass over their pieces, each of which is full.
    static func addTogether(_ readings: [Reading]) {
      guard !readings.isEmpty else { return }
      let messages = readings.map(\.message)
      let data = readings.map { $0.piece.baseAddress?.assumingMemoryBound(to: UInt8.self) }
      pail_sha256_add(messages, data, Int32(readings.count), Pieces.size)
    }

    /// Answers with all digests. To be called once, at the end.
    func finish() {
      var digest = running.finish()
      if let message {
        var sha256 = [UInt8](repeating: 0, count: 32)
        pail_sha256_end(message, piece.baseAddress, piece.count, &sha256)
        digest.sha256 = Digest.hex(sha256)
      }
      job.answer.resume(returning: .success(digest))
    }

    private func fail(_ error: HTTPError) -> Bool {
      job.answer.resume(returning: .failure(.transport(error)))
      return false
    }
  }
}
