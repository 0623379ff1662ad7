// What an error says of a word that is none of those that are known: base/spelling.h.
#pragma once

#include "base/spelling.h"
