#pragma once

/// Marks what the libraries export. They are compiled with hidden visibility, so everything that is not marked stays inside. It stands before the name of a
/// class, and at the beginning of the declaration of a function or a function template that a source file defines.
#define AIDGE_EXPORT __attribute__((visibility("default")))
